/** Temporary directories and bounded waiting for tests. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories: string[] = [];

/** Removed at the end of the process: not before the last hook of any test has closed what writes to it. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'otel-audit-test-'));
  if (directories.length === 0) process.once('exit', removeDirectories);
  directories.push(directory);
  return directory;
}

function removeDirectories(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** Polls until the condition holds. @throws after `timeoutMs`, with `what` in the message. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Awaits what nothing keeps the process alive for. @throws after 20 s. */
export async function held<Value>(promise: Promise<Value>): Promise<Value> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await until('a promise settles', () => isSettled);
  return promise;
}
