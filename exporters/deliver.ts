/** Sends a batch in requests of a fitting size, isolates what the service refuses, and accounts for every record. */

import type { Acknowledgement } from '../src/exporter.js';
import type { AuditRecord } from '../src/record.js';
import type { Judgement } from './judgement.js';

interface DeliverOptions<Item> {
  /** One request. Never rejects. */
  readonly send: (items: readonly Item[], signal: AbortSignal) => Promise<Judgement>;
  /** What is sent of a record, in order; maybe nothing. */
  readonly itemsOf: (record: AuditRecord) => readonly Item[];
  readonly bytesOf: (item: Item) => number;
  readonly maxRequestBytes: number;
}

export type Deliver = (records: readonly AuditRecord[], signal: AbortSignal) => Promise<readonly Acknowledgement[]>;

/** One item on its way; several may belong to one audit record. */
interface Placed<Item> {
  readonly item: Item;
  readonly bytes: number;
  /** Place of its audit record in the batch. */
  readonly place: number;
}

const MAX_ITEMS = 1000; // keeps an answer with an error for each below 200 KB

// The contract's deadline is 10 s. No new request after 8, so that what was learned by then is told, not thrown away.
const NO_NEW_REQUEST_AFTER_MS = 8000;

export function createDeliver<Item>({ send: sendRequest, itemsOf, bytesOf, maxRequestBytes }: DeliverOptions<Item>): Deliver {
  // Halved when a request was too long for something on the way, and kept so: it would be again.
  let requestBytes = maxRequestBytes;

  return async (records, signal) => {
    const over = clock(signal);
    const results: (Acknowledgement | undefined)[] = records.map(() => undefined);
    let stopped: Acknowledgement | undefined;

    const settle = (items: readonly Placed<Item>[], acknowledgementOf: (index: number) => Acknowledgement): void => {
      items.forEach((item, index) => {
        results[item.place] = worse(results[item.place], acknowledgementOf(index));
      });
    };
    const send = async (items: readonly Placed<Item>[]): Promise<void> => {
      if (over()) stopped ??= OUT_OF_TIME;
      const judgement: Judgement =
        stopped === undefined
          ? await sendRequest(
              items.map(({ item }) => item),
              signal,
            )
          : { kind: 'all', acknowledgement: stopped };
      switch (judgement.kind) {
        case 'each':
          settle(items, (index) => judgement.acknowledgements[index] ?? OUT_OF_TIME);
          return;
        case 'all':
          settle(items, () => judgement.acknowledgement);
          if (judgement.acknowledgement.status === 'retry') stopped = judgement.acknowledgement;
          return;
        case 'split': {
          if (items.length === 1) return settle(items, () => ({ status: 'rejected', reason: judgement.reason }));
          if (judgement.tooLarge) requestBytes = Math.max(MIN_REQUEST_BYTES, Math.floor(sizeOf(items) / 2));
          const half = Math.ceil(items.length / 2);
          await send(items.slice(0, half));
          await send(items.slice(half));
        }
      }
    };

    const queue = records.flatMap((record, place) => itemsOf(record).map((item) => ({ item, bytes: bytesOf(item), place })));
    while (queue.length > 0) await send(takeRequest(queue, requestBytes));
    return results.map((result) => result ?? DELIVERED);
  };
}

const MIN_REQUEST_BYTES = 65_536; // one item of the largest size
const DELIVERED: Acknowledgement = { status: 'delivered' }; // of a record of which nothing is to be sent
const OUT_OF_TIME: Acknowledgement = { status: 'retry', reason: 'not sent: out of time' };

function clock(signal: AbortSignal): () => boolean {
  const startedAt = performance.now();
  return () => signal.aborted || performance.now() - startedAt > NO_NEW_REQUEST_AFTER_MS;
}

/** Takes items off the front of the queue: as many as fit, at least one. */
function takeRequest<Item>(queue: Placed<Item>[], maxBytes: number): Placed<Item>[] {
  let count = 0;
  let bytes = 0;
  while (count < queue.length && count < MAX_ITEMS) {
    bytes += queue[count]?.bytes ?? 0;
    if (count > 0 && bytes > maxBytes) break;
    count += 1;
  }
  return queue.splice(0, count);
}

function sizeOf(items: readonly Placed<unknown>[]): number {
  return items.reduce((bytes, item) => bytes + item.bytes, 0);
}

/** A record is only as well off as the worst of its items; of two waits the longer. */
export function worse(one: Acknowledgement | undefined, other: Acknowledgement): Acknowledgement {
  if (one === undefined || one.status === 'delivered') return other;
  if (one.status === 'rejected' || other.status === 'delivered') return one;
  if (other.status === 'rejected') return other;
  return (other.afterMs ?? 0) > (one.afterMs ?? 0) ? other : one;
}
