/** What became of one request, in the words that delivery of batches understands. */

import type { Acknowledgement } from '../src/exporter.js';

export type Judgement =
  /** One acknowledgement an item. */
  | { readonly kind: 'each'; readonly acknowledgements: readonly Acknowledgement[] }
  /** The request as such was dealt with: the same for every item. */
  | { readonly kind: 'all'; readonly acknowledgement: Acknowledgement }
  /** Some item is at fault and only smaller requests can tell which; `tooLarge`: the request was too long. */
  | { readonly kind: 'split'; readonly reason: string; readonly tooLarge: boolean };

export function all(acknowledgement: Acknowledgement): Judgement {
  return { kind: 'all', acknowledgement };
}

export function retry(reason: string, afterMs?: number): Acknowledgement {
  return afterMs === undefined ? { status: 'retry', reason } : { status: 'retry', reason, afterMs };
}

/** `status 429: throttled`, or the number alone where nothing is known of it. */
export function statusText(status: number, meanings: Readonly<Record<number, string>>): string {
  const meaning = meanings[status];
  return meaning === undefined ? `status ${status}` : `status ${status}: ${meaning}`;
}
