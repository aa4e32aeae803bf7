/** Copies of checkpoints as `AUDIT_CHECKPOINT_FILE` and `AUDIT_CHECKPOINT_URL` get them: one JSON object a line. */

import { readFileSync } from 'node:fs';
import { AuditError } from '../errors.js';
import type { StoredCheckpoint } from './trail.js';

/** @throws {AuditError} ERR_AUDIT_TRAIL if the file cannot be read */
export function readCheckpointFile(file: string): readonly StoredCheckpoint[] {
  return linesOf(file).map((line) => storedCopy(parse(line)));
}

export function storedCopy(content: unknown): StoredCheckpoint {
  const { stream } = (content ?? {}) as { readonly stream?: unknown };
  return { stream: typeof stream === 'string' ? stream : '', content, place: 'copy' };
}

/** Whole lines: the last may be being written. */
function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_TRAIL', `the checkpoints in ${file} cannot be read`, { cause });
  }
}

/** A line that somebody broke is a finding, and must not keep the rest from being checked. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
