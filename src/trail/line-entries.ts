/** The lines of a file, each judged as it comes. */

import { verifyLine } from '../journal/chain.js';
import { type LineBytes, readWholeLine } from '../journal/whole-line.js';
import type { JournalledRecord } from '../record.js';
import { fileLines, openedLine, wholeLines } from './lines.js';
import type { FullEntry, TrailEntry } from './trail.js';

/** @throws {AuditError} ERR_AUDIT_TRAIL as `fileLines` does */
export async function* entriesOf(file: string): AsyncGenerator<readonly TrailEntry[]> {
  let number = 0;
  for await (const bytes of wholeLines(file)) {
    const lines = { bytes, latin1: bytes.toString('latin1') };
    const entries: TrailEntry[] = [];
    for (let from = 0; from <= bytes.length; ) {
      const end = lines.latin1.indexOf('\n', from);
      const to = end === -1 ? bytes.length : end;
      number += 1;
      if (to > from) entries.push(entryAt(lines, from, to, { file, number }));
      from = to + 1;
    }
    yield entries;
  }
}

function entryAt(
  lines: LineBytes,
  from: number,
  to: number,
  { file, number }: { readonly file: string; readonly number: number },
): TrailEntry {
  const record = readWholeLine(lines, from, to);
  const where = `${file}:${number}`;
  if (record !== undefined) return { record, where };
  const text = Buffer.from(lines.latin1.slice(from, to), 'latin1').toString('utf8');
  return entryOf(openedLine(text, file), where);
}

/** @throws {AuditError} ERR_AUDIT_TRAIL as `fileLines` does */
export async function* fullEntriesOf(file: string): AsyncGenerator<readonly FullEntry[]> {
  for await (const lines of fileLines(file)) yield lines.map(({ text, number }) => entryOf(text, `${file}:${number}`));
}

export function entryOf(text: string, where: string): FullEntry {
  const verified = verifyLine(text);
  if ('record' in verified) return { record: verified.record, where };
  // Its chain can still be followed by what it says of itself.
  return verified.fault === 'wrong-hash'
    ? { record: JSON.parse(text) as JournalledRecord, fault: verified.fault, where }
    : { fault: verified.fault, where };
}
