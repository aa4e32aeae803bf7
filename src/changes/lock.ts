/** Transactions that need a lock which writers would wait behind: asked for again and again rather than waited for. */

import type { ClientBase } from 'pg';

// A writer that comes while the lock is waited for waits as well: so we do not wait longer, but come again.
const LOCK_TIMEOUT_MS = 50;
const ATTEMPTS = 200;
const RETRY_MS = 100;

/** @throws the database's error if the lock was not to be had in about 20 s: `isBusy` tells */
export async function withLockTimeout(client: ClientBase, work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await work();
      });
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())));
    }
  }
}

export function isBusy(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === '55P03';
}

export async function inTransaction<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
