/** Looks at the configuration file for another policy. A broken file changes nothing but what is said about it. */

import { stat } from 'node:fs/promises';
import { AuditConfigError, messageOf } from './errors.js';

export interface PolicyWatchOptions {
  readonly file: string;
  readonly intervalMs: number;
  /** Reads the file again and puts its policy in force, if it is another one. Called once for the file as it is. @throws {AuditConfigError} when it is not fit. */
  readonly reload: () => void;
  readonly onRejected: (faults: readonly string[]) => void;
}

/**
 * Polls: file notifications miss what editors and orchestrators do (rename over it, swap a link). A change is taken when two
 * looks in a row see the same file, so that one that is being written is not read by halves. Answers how to stop.
 */
export function watchPolicy({ file, intervalMs, reload, onRejected }: PolicyWatchOptions): () => void {
  let inForce: string | undefined;
  let last: string | undefined;
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    const seen = await signatureOf(file);
    isLooking = false;
    const isSettled = seen === last;
    last = seen;
    if (!isSettled || seen === inForce) return;
    inForce = seen;
    try {
      reload();
    } catch (error) {
      onRejected(error instanceof AuditConfigError ? error.faults : [messageOf(error)]);
    }
  };
  void look();
  const timer = setInterval(() => void look(), intervalMs).unref();
  return () => clearInterval(timer);
}

async function signatureOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return messageOf(error);
  }
}
