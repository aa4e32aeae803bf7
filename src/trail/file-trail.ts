/** A trail in files: the directory of the file exporter, a journal, or JSON Lines from an archive or an export, also compressed. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { AuditError } from '../errors.js';
import { CHECKPOINT_FILE } from '../integrity/checkpoint-copies.js';
import type { WholeRecord } from '../journal/whole-line.js';
import type { JournalledRecord } from '../record.js';
import { readCheckpointFile } from './checkpoint-file.js';
import { compileFilter, type RecordFilter } from './filter.js';
import { followFiles } from './follow-files.js';
import { hashesOf } from './hashes.js';
import { entriesOf, entryOf, fullEntriesOf } from './line-entries.js';
import { fileLines, linesBeginning, recordOf } from './lines.js';
import { newestOf } from './newest.js';
import type { StoredCheckpoint, Trail, TrailEntry } from './trail.js';

/** @throws {AuditError} ERR_AUDIT_TRAIL if there is nothing there, or nothing that holds records */
export function openFileTrail(place: string): Trail {
  const isDirectory = statOf(place).isDirectory();
  const files = (): readonly string[] => (isDirectory ? recordFiles(place) : [place]);
  if (isDirectory && files().length === 0 && readCopies(place).length === 0) throw nothing(place, 'holds no .jsonl files');
  return {
    name: place,
    isOrdered: isDirectory,
    isComplete: isDirectory,
    entries: (since) => begunSince(since, files(), entriesOf),
    fullEntries: (since) => begunSince(since, files(), fullEntriesOf),
    checkpoints: () => checkpointsOf(files(), isDirectory ? readCopies(place) : []),
    hashes: (range) => hashesOf(begunSince(undefined, files(), entriesOf), range),
    removed: async () => [],
    faults: async () => [],
    search: (filter, options) => newestOf(searchFiles(files(), filter), options.limit),
    follow: (filter, signal) => followFiles(files, compileFilter(filter), signal),
    close: async () => undefined,
  };
}

async function* begunSince<Whole extends WholeRecord>(
  since: string | undefined,
  files: readonly string[],
  entriesIn: (file: string) => AsyncIterable<readonly TrailEntry<Whole>[]>,
): AsyncGenerator<readonly TrailEntry<Whole>[]> {
  const begun = new Set<string>();
  for (const file of files) {
    for await (const entries of entriesIn(file)) {
      yield since === undefined ? entries : entries.filter((entry) => hasBegun(entry, since, begun));
    }
  }
}

/** From a stream's first record since then on, all of it: what comes after is not in the order of time. */
function hasBegun({ record }: TrailEntry, since: string, begun: Set<string>): boolean {
  if (record === undefined) return true;
  const { stream } = record.integrity;
  if (record.observedTime >= since) begun.add(stream);
  return begun.has(stream);
}

async function* checkpointsOf(files: readonly string[], copies: readonly StoredCheckpoint[]): AsyncGenerator<StoredCheckpoint> {
  yield* copies;
  for (const file of files) {
    // `action` is the first member of a line.
    for await (const line of linesBeginning(file, '{"action":"audit.checkpoint"')) {
      const { record } = entryOf(line, file);
      if (record?.kind === 'lifecycle') yield { stream: record.integrity.stream, content: record.metadata, place: 'record' };
    }
  }
}

async function* searchFiles(files: readonly string[], filter: RecordFilter): AsyncGenerator<JournalledRecord> {
  const passes = compileFilter(filter);
  for (const file of files) {
    for await (const lines of fileLines(file)) {
      for (const { text } of lines) {
        const record = recordOf(text);
        if (record !== undefined && passes(record)) yield record;
      }
    }
  }
}

/** Streams in the order of their names, which is that of their beginnings, and their segments in order; one that is being compressed once. */
function recordFiles(directory: string): readonly string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.jsonl(?:\.gz|\.zst)?$/.test(name));
  const plain = new Set(names.filter((name) => name.endsWith('.jsonl')));
  return names
    .filter((name) => name.endsWith('.jsonl') || !plain.has(name.replace(/\.(?:gz|zst)$/, '')))
    .sort()
    .map((name) => path.join(directory, name));
}

function readCopies(directory: string): readonly StoredCheckpoint[] {
  const file = path.join(directory, CHECKPOINT_FILE);
  return statSync(file, { throwIfNoEntry: false }) === undefined ? [] : readCheckpointFile(file);
}

function statOf(place: string): ReturnType<typeof statSync> & object {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) throw nothing(place, 'is not there');
  return found;
}

function nothing(place: string, why: string): AuditError {
  return new AuditError('ERR_AUDIT_TRAIL', `${place} ${why}: name the directory of the file exporter, a journal, or a .jsonl file`);
}
