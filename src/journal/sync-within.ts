/** Waits until the journal's records are durable, over failures that heal, and not for ever on a disk that hangs. */

import type { Journal } from './journal-contract.js';

// Often enough to notice a disk that heals, rarely enough not to be a load on one that does not.
const RETRY_MS = 50;

/** True once everything appended so far is on the disk; false if it is not within `timeoutMs`. Never rejects. */
export async function syncWithin(journal: Pick<Journal, 'sync'>, timeoutMs: number): Promise<boolean> {
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve(false);
    }, timeoutMs);
  });
  const synced = retry(journal, () => isLate);
  try {
    return await Promise.race([synced, late]);
  } finally {
    isLate = true;
    clearTimeout(timer);
  }
}

async function retry(journal: Pick<Journal, 'sync'>, isLate: () => boolean): Promise<boolean> {
  while (!isLate()) {
    try {
      await journal.sync();
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  return false;
}
