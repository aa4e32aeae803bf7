/** Follows a stream's segments from a cursor. Damage is set aside and counted; it never stops the reading, nor does a torn end. */

import { appendFile, readdir } from 'node:fs/promises';
import { AuditError } from '../errors.js';
import type { RecordLine } from '../record-line.js';
import { ifThere } from './atomic-file.js';
import type { LineFault } from './chain.js';
import { checkLine } from './check-line.js';
import { type Chunk, ChunkPool } from './chunks.js';
import { segmentNumber } from './layout.js';
import { openSegment, type SegmentSource } from './segment-source.js';

/** Behind the last record that was read: the byte to go on at, and the record's sequence number. */
export interface ReadPosition {
  readonly segment: number;
  readonly offset: number;
  readonly seq: number;
}

export interface ReadEntry {
  readonly line: RecordLine;
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
  /** What the lines lie in. */
  readonly chunks: readonly Chunk[];
}

export interface ReaderOptions {
  readonly directory: string;
  /** Where damaged lines are kept as they are. */
  readonly quarantineFile: string;
  readonly onDamage: (what: LineFault | 'missing', count: number) => void;
}

export const START: ReadPosition = { segment: 1, offset: 0, seq: 0 };

const LINE_FEED = 10;

export class JournalReader {
  readonly #options: ReaderOptions;
  #file: { readonly segment: number; readonly source: SegmentSource } | undefined;
  readonly #pool = new ChunkPool();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** At most `maxCount` records and about `maxBytes` bytes of lines, at least one record if there is one. */
  async read(from: ReadPosition, maxCount: number, maxBytes: number): Promise<ReadBatch> {
    const chunks: Chunk[] = [];
    const state = { position: from, entries: [] as ReadEntry[], skipped: 0, bytes: 0 };
    const isFull = () => state.entries.length >= maxCount || state.bytes >= maxBytes;
    let closed: number | undefined;
    while (!isFull()) {
      const { chunk, wholeBytes, tornBytes } = await this.#readLines(state.position);
      chunks.push(chunk);
      const { offset } = state.position;
      let start = 0;
      while (start < wholeBytes && !isFull()) {
        const end = chunk.bytes.indexOf(LINE_FEED, start);
        // Awaiting each line costs as much as checking it.
        const setAside = this.#take(chunk, { start, end, behind: offset + end + 1 }, state);
        if (setAside !== undefined) await setAside;
        start = end + 1;
      }
      if (start > 0) continue;
      const next = await this.#segmentAfter(state.position.segment);
      if (next === undefined) {
        await this.#forgetReplaced();
        this.#pool.shrink();
        return { entries: state.entries, end: state.position, skipped: state.skipped, isMore: false, tornBytes, chunks };
      }
      // A segment with a successor is closed, but lines may have come between the two looks: look once more.
      if (closed === state.position.segment) state.position = { ...state.position, segment: next, offset: 0 };
      else closed = state.position.segment;
    }
    return { entries: state.entries, end: state.position, skipped: state.skipped, isMore: true, tornBytes: 0, chunks };
  }

  /** Takes the memory of lines that nobody reads any more. */
  reuse(chunks: readonly Chunk[]): void {
    this.#pool.giveBack(chunks);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.source.close();
  }

  /** A promise only where a damaged line is being set aside. */
  #take(
    { bytes, members }: Chunk,
    line: Line,
    state: { position: ReadPosition; entries: ReadEntry[]; skipped: number; bytes: number },
  ): Promise<void> | undefined {
    const { segment, seq } = state.position;
    const checked = checkLine(bytes, line.start, line.end, members);
    // Nothing is wrong with the line: it waits for its key.
    if ('fault' in checked && checked.fault === 'no-key') {
      throw new AuditError('ERR_AUDIT_JOURNAL', `${this.#options.directory} is encrypted with a key that AUDIT_JOURNAL_KEY does not list`);
    }
    if ('fault' in checked) {
      // One line is taken for one record; the next good line's own number corrects that.
      state.position = { segment, offset: line.behind, seq: seq + 1 };
      state.skipped += 1;
      return this.#quarantine(bytes.subarray(line.start, line.end), checked.fault);
    }
    const position = { segment, offset: line.behind, seq: checked.seq };
    // Without a cursor one starts at the first segment there is; those before it were trimmed, which is no damage.
    const missing = seq === 0 && segment > 1 ? 0 : Math.max(0, position.seq - seq - 1);
    if (missing > 0) this.#options.onDamage('missing', missing);
    state.entries.push({ line: checked.line, position, skipped: state.skipped + missing });
    state.position = position;
    state.skipped = 0;
    state.bytes += line.end - line.start;
    return undefined;
  }

  /** The whole lines that come next, in a chunk that is as large as the first of them needs. */
  async #readLines(from: ReadPosition): Promise<{ readonly chunk: Chunk; readonly wholeBytes: number; readonly tornBytes: number }> {
    const source = await this.#open(from.segment);
    let chunk = this.#pool.take();
    for (;;) {
      const { bytes } = chunk;
      const bytesRead = source === undefined ? 0 : await source.read(bytes, bytes.length, from.offset);
      const wholeBytes = bytes.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1;
      if (wholeBytes > 0 || bytesRead < bytes.length) return { chunk, wholeBytes, tornBytes: bytesRead };
      chunk = this.#pool.take(2 * bytes.length);
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
  const names = (await ifThere(readdir(directory))) ?? [];
  // One that is being compressed is there in both forms.
  return [...new Set(names.map(segmentNumber))].filter((number) => number !== undefined).sort((a, b) => a - b);
}

/** Where a line is in its chunk. */
interface Line {
  readonly start: number;
  /** Where its line feed is. */
  readonly end: number;
  /** Offset in the file behind the line feed. */
  readonly behind: number;
}
