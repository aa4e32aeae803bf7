/**
 * The records that a sink will never take, each with the reason, and what people decided about them. Both files are only
 * ever appended to, so that reading and deciding are safe while a service runs. A crash at the wrong moment may write a letter twice.
 */

import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AuditError } from '../errors.js';
import { ifThere, syncDirectory } from '../journal/atomic-file.js';
import { isSealed, openLine, sealLine } from '../journal/keyring.js';
import { deadLetterPath } from '../journal/layout.js';
import type { JournalledRecord } from '../record.js';

export interface DeadLetter {
  readonly time: string;
  readonly exporter: string;
  readonly reason: string;
  readonly record: JournalledRecord;
}

/** What became of a letter: the sink took it after all, or a person gave it up. */
export interface DeadLetterDecision {
  readonly time: string;
  readonly id: string;
  readonly decision: 'delivered' | 'dropped';
}

/** Settles when the letters are on the disk: only then may the cursor pass their records. */
export function writeDeadLetters(streamDirectory: string, exporter: string, letters: readonly DeadLetter[]): Promise<void> {
  return appendLines(
    deadLetterPath(streamDirectory, exporter),
    letters.map((letter) => sealLine(JSON.stringify(letter))),
  );
}

export function writeDecision(streamDirectory: string, exporter: string, decision: DeadLetterDecision): Promise<void> {
  return appendLines(decisionPath(deadLetterPath(streamDirectory, exporter)), [JSON.stringify(decision)]);
}

export interface DeadLetterFile {
  /** Whose letters they are; undefined if there are none. */
  readonly exporter: string | undefined;
  /** Nobody has decided about these yet; each record once. */
  readonly open: readonly DeadLetter[];
  readonly decisions: readonly DeadLetterDecision[];
}

/**
 * @param path of the letters' file; absent ones hold none. Unfinished lines are left out.
 * @throws {AuditError} ERR_AUDIT_JOURNAL if they are encrypted with a key that is not here.
 */
export async function readDeadLetters(path: string): Promise<DeadLetterFile> {
  const letters = (await readLines(path)).filter(isLetter);
  const decisions = (await readLines(decisionPath(path))).filter(isDecision);
  const decided = new Set(decisions.map(({ id }) => id));
  const open = new Map(letters.map((letter) => [letter.record.id, letter]));
  return { exporter: letters[0]?.exporter, open: [...open.values()].filter(({ record }) => !decided.has(record.id)), decisions };
}

/** Whether a file in a stream's directory holds letters. */
export function isDeadLetterFile(fileName: string): boolean {
  return fileName.startsWith('dead-letter.') && fileName.endsWith(LETTERS_SUFFIX) && !fileName.endsWith(DECISIONS_SUFFIX);
}

const LINE_FEED = 10;
const LETTERS_SUFFIX = '.ndjson';
const DECISIONS_SUFFIX = '.decisions.ndjson';

function decisionPath(lettersPath: string): string {
  return `${lettersPath.slice(0, -LETTERS_SUFFIX.length)}${DECISIONS_SUFFIX}`;
}

async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    // A full disk may have cut the last attempt short: what is whole must not be joined to it.
    const start = size > 0 && buffer[0] !== LINE_FEED ? '\n' : '';
    await file.writeFile(start + lines.map((line) => `${line}\n`).join(''));
    await file.datasync();
    await syncDirectory(dirname(path));
  } finally {
    await file.close();
  }
}

async function readLines(path: string): Promise<readonly unknown[]> {
  const text = (await ifThere(readFile(path, 'utf8'))) ?? '';
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(isSealed(line) ? opened(line) : line) as unknown];
    } catch (error) {
      if (error instanceof AuditError) throw error;
      return [];
    }
  });
}

/** @throws {AuditError} ERR_AUDIT_JOURNAL without the key: a letter must not look as if it were not there. */
function opened(line: string): string {
  const result = openLine(line);
  if ('line' in result) return result.line;
  throw new AuditError('ERR_AUDIT_JOURNAL', `dead letters are encrypted with the key ${result.keyId}; it must be in AUDIT_JOURNAL_KEY`);
}

function isLetter(value: unknown): value is DeadLetter {
  const { exporter, reason, record } = (value ?? {}) as Partial<DeadLetter>;
  return typeof exporter === 'string' && typeof reason === 'string' && typeof record?.id === 'string';
}

function isDecision(value: unknown): value is DeadLetterDecision {
  const { id, decision } = (value ?? {}) as Partial<DeadLetterDecision>;
  return typeof id === 'string' && (decision === 'delivered' || decision === 'dropped');
}
