/** Follows a stream's segments from a cursor. Damage is set aside and counted; it never stops the reading, nor does a torn end. */

import { appendFile, readdir } from 'node:fs/promises';
import { AuditError } from '../errors.js';
import type { JournalledRecord } from '../record.js';
import { codeOf } from './atomic-file.js';
import { type LineFault, verifyLineBytes } from './chain.js';
import { segmentNumber } from './layout.js';
import { openSegment, type SegmentSource } from './segment-source.js';

/** Behind the last record that was read: the byte to go on at, and the record's sequence number. */
export interface ReadPosition {
  readonly segment: number;
  readonly offset: number;
  readonly seq: number;
}

export interface ReadEntry {
  readonly record: JournalledRecord;
  readonly position: ReadPosition;
  /** Records before this one that are damaged or missing, counted by their sequence numbers. */
  readonly skipped: number;
}

export interface ReadBatch {
  readonly entries: readonly ReadEntry[];
  /** Where the next read begins; beyond the last entry if damage follows it. */
  readonly end: ReadPosition;
  /** Damaged records behind the last entry. */
  readonly skipped: number;
  /** False: there was nothing more. With bytes of a torn line the end of a dead stream is its last whole line. */
  readonly isMore: boolean;
  /** Bytes of an unfinished line at the end. */
  readonly tornBytes: number;
}

export interface ReaderOptions {
  readonly directory: string;
  /** Where damaged lines are kept as they are. */
  readonly quarantineFile: string;
  readonly onDamage: (what: LineFault | 'missing', count: number) => void;
}

export const START: ReadPosition = { segment: 1, offset: 0, seq: 0 };

// 256 KB: some hundred records a read call.
const CHUNK_BYTES = 262_144;
const LINE_FEED = 10;

export class JournalReader {
  readonly #options: ReaderOptions;
  #file: { readonly segment: number; readonly source: SegmentSource } | undefined;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** At most `maxCount` records and about `maxBytes` bytes of lines, at least one record if there is one. */
  async read(from: ReadPosition, maxCount: number, maxBytes: number): Promise<ReadBatch> {
    const state = { position: from, entries: [] as ReadEntry[], skipped: 0, bytes: 0 };
    const isFull = () => state.entries.length >= maxCount || state.bytes >= maxBytes;
    let closed: number | undefined;
    while (!isFull()) {
      const lines = await this.#readLines(state.position);
      for (const line of lines.whole) {
        // Awaiting each line costs as much as parsing it.
        const setAside = this.#take(line, state);
        if (setAside !== undefined) await setAside;
        if (isFull()) break;
      }
      if (lines.whole.length > 0) continue;
      const next = await this.#segmentAfter(state.position.segment);
      if (next === undefined) {
        await this.#forgetReplaced();
        return { entries: state.entries, end: state.position, skipped: state.skipped, isMore: false, tornBytes: lines.tornBytes };
      }
      // A segment with a successor is closed, but lines may have come between the two looks: look once more.
      if (closed === state.position.segment) state.position = { ...state.position, segment: next, offset: 0 };
      else closed = state.position.segment;
    }
    return { entries: state.entries, end: state.position, skipped: state.skipped, isMore: true, tornBytes: 0 };
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.source.close();
  }

  /** A promise only where a damaged line is being set aside. */
  #take(line: Line, state: { position: ReadPosition; entries: ReadEntry[]; skipped: number; bytes: number }): Promise<void> | undefined {
    const { segment, seq } = state.position;
    const verified = verifyLineBytes(line.bytes);
    // Nothing is wrong with the line: it waits for its key.
    if ('fault' in verified && verified.fault === 'no-key') {
      throw new AuditError('ERR_AUDIT_JOURNAL', `${this.#options.directory} is encrypted with a key that AUDIT_JOURNAL_KEY does not list`);
    }
    if ('fault' in verified) {
      // One line is taken for one record; the next good line's own number corrects that.
      state.position = { segment, offset: line.end, seq: seq + 1 };
      state.skipped += 1;
      return this.#quarantine(line.bytes, verified.fault);
    }
    const position = { segment, offset: line.end, seq: verified.record.integrity.seq };
    // Without a cursor one starts at the first segment there is; those before it were trimmed, which is no damage.
    const missing = seq === 0 && segment > 1 ? 0 : Math.max(0, position.seq - seq - 1);
    if (missing > 0) this.#options.onDamage('missing', missing);
    state.entries.push({ record: verified.record, position, skipped: state.skipped + missing });
    state.position = position;
    state.skipped = 0;
    state.bytes += line.bytes.length;
    return undefined;
  }

  /** The whole lines in the next chunk; the chunk grows until it holds one. */
  async #readLines(from: ReadPosition): Promise<{ readonly whole: readonly Line[]; readonly tornBytes: number }> {
    const source = await this.#open(from.segment);
    if (source === undefined) return { whole: [], tornBytes: 0 };
    for (;;) {
      const bytesRead = await source.read(this.#chunk, this.#chunk.length, from.offset);
      const whole = splitLines(this.#chunk.subarray(0, bytesRead), from.offset);
      if (whole.length > 0 || bytesRead < this.#chunk.length) return { whole, tornBytes: bytesRead };
      this.#chunk = Buffer.allocUnsafe(2 * this.#chunk.length);
    }
  }

  async #open(segment: number): Promise<SegmentSource | undefined> {
    if (this.#file?.segment === segment) return this.#file.source;
    await this.close();
    const source = await openSegment(this.#options.directory, segment);
    if (source !== undefined) this.#file = { segment, source };
    return source;
  }

  /** Lets go of a file that is no longer under its name: the writer makes it anew when its folder is deleted. */
  async #forgetReplaced(): Promise<void> {
    if (this.#file !== undefined && !(await this.#file.source.isInPlace())) await this.close();
  }

  async #segmentAfter(segment: number): Promise<number | undefined> {
    const later = (await listSegments(this.#options.directory)).filter((number) => number > segment);
    return later[0];
  }

  async #quarantine(line: Buffer, fault: LineFault): Promise<void> {
    this.#options.onDamage(fault, 1);
    await appendFile(this.#options.quarantineFile, Buffer.concat([line, Buffer.from('\n')]), { mode: 0o600 });
  }
}

/**
 * Segment numbers, ascending. Empty if there is no such directory.
 *
 * @throws the system's error if it cannot be read: taken for empty, a stream would be taken for delivered
 */
export async function listSegments(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [] as string[];
    throw error;
  });
  // One that is being compressed is there in both forms.
  return [...new Set(names.map(segmentNumber))].filter((number) => number !== undefined).sort((a, b) => a - b);
}

interface Line {
  readonly bytes: Buffer;
  /** Offset in the file behind the line feed. */
  readonly end: number;
}

function splitLines(bytes: Buffer, offset: number): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, start)) {
    lines.push({ bytes: bytes.subarray(start, at), end: offset + at + 1 });
    start = at + 1;
  }
  return lines;
}
