/** Redacts comma- (or semicolon-, tab-, bar-) separated values: columns by their heading, rows that are a name and a value. */

import { Edits } from './edits.js';
import type { Engine } from './engine.js';
import { NAME_SHIFT, SENSITIVE, VALUE_SHIFT } from './keys.js';
import { MASK } from './redactor.js';

/** Without a content type that says so: two lines or more of as many fields, one of them headed like a secret. */
export function looksLikeCsv(text: string, engine: Engine): boolean {
  const end = text.indexOf('\n');
  if (end === -1) return false;
  const delimiter = delimiterOf(text);
  const head = readRow(text, 0, delimiter);
  const second = readRow(text, head.next, delimiter);
  return (
    head.fields.length > 1 && second.fields.length === head.fields.length && head.fields.some((field) => isHeading(field.value, engine))
  );
}

/** `cut`: the text's end is missing. */
export function redactCsv(text: string, engine: Engine, depth: number, cut: boolean): string {
  const edits = new Edits();
  const delimiter = delimiterOf(text);
  const head = readRow(text, 0, delimiter);
  const verdicts = head.fields.map((field) => engine.keys.verdict(field.value.trim()));
  const naming = verdicts.findIndex((verdict) => ((verdict >> NAME_SHIFT) & 3) > 0);
  for (let row = head, first = true; row.fields.length > 0; row = readRow(text, row.next, delimiter), first = false) {
    const named = nameOf(row, naming, first);
    const headsColumns = first && row.next < text.length;
    row.fields.forEach(({ value, from, to, quoted }, column) => {
      if (value === '') return;
      const verdict = verdicts[column] ?? 0;
      const valued = ((verdict >> VALUE_SHIFT) & 3) > 0 || (row.fields.length === 2 && column === 1);
      const before = row.fields[column - 1]?.value ?? '';
      const hidden = !first && ((verdict & SENSITIVE) !== 0 || (valued && named));
      const redacted =
        hidden ||
        (first && named && valued) ||
        (isHeading(before, engine) && looksLikePassword(value) && !(headsColumns && NUMBERED.test(value)))
          ? MASK
          : engine.string(value, depth, cut && to >= text.length - 1);
      if (redacted !== value) edits.add(from, to, quoted ? `"${redacted.replaceAll('"', '""')}"` : redacted);
    });
    if (row.next >= text.length) break;
  }
  return edits.apply(text, text.length);

  /** A row of two is a pair unless the first row heads columns that are both secrets'. */
  function nameOf(row: Row, column: number, first: boolean): boolean {
    if (row.fields.length === 2) {
      const second = row.fields[1]?.value ?? '';
      return isHeading(row.fields[0]?.value ?? '', engine) && !(first && isWord(second));
    }
    return !first && column !== -1 && isHeading(row.fields[column]?.value ?? '', engine);
  }
}

interface Field {
  /** Unquoted. */
  readonly value: string;
  readonly from: number;
  readonly to: number;
  readonly quoted: boolean;
}

interface Row {
  readonly fields: readonly Field[];
  readonly next: number;
}

/** A column's name, where the second of two could be a value: letters only. */
function isWord(text: string): boolean {
  return /^[A-Za-z_ -]+$/.test(text);
}

/** In a row without a heading, after a cell that is a secret's name: letters and digits or signs, and neither a date nor a number. */
function looksLikePassword(text: string): boolean {
  return /^\S{6,256}$/.test(text) && /[A-Za-z]/.test(text) && /[\d!#$%^&*~]/.test(text) && !/^\d{4}-\d\d-\d\d|[:/@]/.test(text);
}

/** `address1`: the heading of a column, in a first row. */
const NUMBERED = /^[A-Za-z]+_?\d{1,2}$/;

function isHeading(text: string, engine: Engine): boolean {
  return text.length <= 64 && (engine.keys.verdict(text.trim()) & SENSITIVE) !== 0;
}

function delimiterOf(text: string): string {
  const end = text.indexOf('\n');
  const line = end === -1 ? text : text.slice(0, end);
  return [',', ';', '\t', '|'].map((sign) => [sign, line.split(sign).length] as const).reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

/** RFC 4180: quoted fields may hold delimiters, line breaks and doubled quotes. */
function readRow(text: string, from: number, delimiter: string): Row {
  const fields: Field[] = [];
  let index = from;
  while (index < text.length) {
    const field = readField(text, index, delimiter);
    fields.push(field);
    index = field.to;
    if (text[index] !== delimiter) break;
    index++;
    if (index === text.length) fields.push({ value: '', from: index, to: index, quoted: false });
  }
  if (text[index] === '\r' && text[index + 1] === '\n') index++;
  return { fields, next: Math.min(index + 1, text.length) };
}

function readField(text: string, from: number, delimiter: string): Field {
  if (text[from] === '"') {
    let close = text.indexOf('"', from + 1);
    while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
    const end = close === -1 ? text.length : close;
    let to = close === -1 ? end : close + 1;
    while (to < text.length && text[to] !== delimiter && text[to] !== '\n' && text[to] !== '\r') to++;
    return { value: text.slice(from + 1, end).replaceAll('""', '"') + text.slice(Math.min(to, end + 1), to), from, to, quoted: true };
  }
  let to = from;
  while (to < text.length && text[to] !== delimiter && text[to] !== '\n' && text[to] !== '\r') to++;
  return { value: text.slice(from, to), from, to, quoted: false };
}
