/** The hashes of a range of a stream, from trails that can only be read through. */

import type { SeqRange } from '../integrity/seq-range.js';
import type { TrailEntry } from './trail.js';

export async function hashesOf(
  batches: AsyncIterable<readonly TrailEntry[]>,
  { stream, epoch, fromSeq, toSeq }: SeqRange,
): Promise<readonly string[]> {
  const found = new Map<number, string>();
  for await (const batch of batches) {
    for (const { record } of batch) {
      if (record?.integrity.stream !== stream || record.integrity.epoch !== epoch) continue;
      const { seq, hash } = record.integrity;
      if (seq >= fromSeq && seq <= toSeq) found.set(seq, hash);
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([, hash]) => hash);
}
