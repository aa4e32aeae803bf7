/** Records as a table for a terminal. Nothing of a record reaches the terminal as a control sequence. */

import type { AuditRecord, Outcome } from '../record.js';
import { printable } from '../record-bounds.js';
import { CELLS } from './cells.js';

// What a person tells two values apart by; the rest is in `show`.
const WIDTHS: Readonly<Record<string, number>> = {
  time: 24,
  actor: 28,
  type: 12,
  tenant: 16,
  action: 24,
  target: 24,
  outcome: 7,
  status: 6,
  ms: 7,
  client: 15,
};
const GREEN = 32;
const COLOURS: Readonly<Record<Outcome, number>> = { success: GREEN, failure: 31, aborted: 33, unknown: 35 };

export function tableHead(): string {
  return `${CELLS.map(({ name }) => name.padEnd(WIDTHS[name] ?? 0))
    .join('  ')
    .trimEnd()}\n`;
}

export function tableRow(record: AuditRecord, isColoured: boolean): string {
  const cells = CELLS.map(({ name, of }) => {
    const text = printable(String(of(record) ?? ''));
    const width = WIDTHS[name];
    const cell = width === undefined ? text : fitted(text, width);
    return isColoured && name === 'outcome' ? coloured(cell, COLOURS[record.outcome] ?? GREEN) : cell;
  });
  return `${cells.join('  ').trimEnd()}\n`;
}

function fitted(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function coloured(text: string, colour: number): string {
  return `\u001b[${colour}m${text}\u001b[0m`;
}
