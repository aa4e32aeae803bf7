/** The second place of checkpoints: a file, an address, or both. What fails here is warned of and never stops anything. */

import { appendFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../journal/make-directory.js';
import type { CheckpointCopy } from './checkpointer.js';

/** Beside the streams; not `.jsonl`, which record files only end in. */
export const CHECKPOINT_FILE = 'checkpoints.ndjson';

export interface CopyOptions {
  /** One JSON line a checkpoint is appended to it. */
  readonly file: string;
  /** Gets each checkpoint as the JSON body of a POST. */
  readonly url?: string | undefined;
  readonly warn: (message: string) => void;
}

const POST_TIMEOUT_MS = 5000;
/** While the address is down; the oldest go first. They are in the file and in the trail all the same. */
const MAX_WAITING = 1000;

export function createCopies({ file, url, warn }: CopyOptions): (copy: CheckpointCopy) => void {
  const waiting: string[] = [];
  let isPosting = false;
  const post = async (to: string): Promise<void> => {
    if (isPosting) return;
    isPosting = true;
    try {
      for (let body = waiting[0]; body !== undefined; body = waiting[0]) {
        await send(to, body);
        waiting.shift();
      }
    } catch (error) {
      warn(`the checkpoint could not be sent to AUDIT_CHECKPOINT_URL (${reasonOf(error)}); it goes with the next one`);
    } finally {
      isPosting = false;
    }
  };
  return (copy) => {
    const line = JSON.stringify(copy);
    try {
      makeDirectory(dirname(file));
      // Synchronous: the last one is made while the process exits.
      appendFileSync(file, `${line}\n`, { mode: 0o600 });
    } catch (error) {
      warn(
        `the checkpoint could not be written to ${file} (${reasonOf(error)}); set AUDIT_CHECKPOINT_FILE to a file that this user may append to`,
      );
    }
    if (url === undefined) return;
    if (waiting.push(line) > MAX_WAITING) waiting.splice(isPosting ? 1 : 0, 1);
    void post(url);
  };
}

async function send(url: string, body: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(POST_TIMEOUT_MS),
  });
  await response.arrayBuffer();
  if (!response.ok) throw Object.assign(new Error('refused'), { code: `status ${response.status}` });
}

/** Never the message: it may quote the address, and with it a token. */
function reasonOf(error: unknown): string {
  const { code, cause, name } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown }; readonly name?: string };
  return String(cause?.code ?? code ?? name ?? 'unknown');
}
