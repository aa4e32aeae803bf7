/** The ladder under a journal that cannot write: keep whole records, then records without bodies, then count what is dropped. */

import { countBy, totalOf } from '../health.js';
import type { AuditBody, AuditRecord } from '../record.js';
import type { Loss } from './loss.js';

export type Fit = 'whole' | 'without-bodies' | 'no-room';

// Half: the second half then holds many times more records, at about 1 KB each instead of up to 20.
const BODIES_SHARE = 0.5;

export class Pressure {
  readonly #maxPendingBytes: number;
  readonly #nowMs: () => number;
  #dropped: Record<string, number> = {};
  #sinceMs: number | undefined;

  constructor(maxPendingBytes: number, nowMs: () => number) {
    this.#maxPendingBytes = maxPendingBytes;
    this.#nowMs = nowMs;
  }

  /** How a record may be kept while `pendingBytes` wait in memory. */
  fit(pendingBytes: number): Fit {
    if (pendingBytes >= this.#maxPendingBytes) return 'no-room';
    return pendingBytes >= this.#maxPendingBytes * BODIES_SHARE ? 'without-bodies' : 'whole';
  }

  fits(pendingBytes: number, byteLength: number): boolean {
    return pendingBytes + byteLength <= this.#maxPendingBytes;
  }

  drop(reason: string): void {
    this.#sinceMs ??= this.#nowMs();
    countBy(this.#dropped, reason);
  }

  /** What was dropped since the last call; undefined if nothing was. */
  takeLoss(): Loss | undefined {
    if (this.#sinceMs === undefined) return undefined;
    const reasons = this.#dropped;
    // A clock may have been set back meanwhile.
    const loss: Loss = { count: totalOf(reasons), reasons, sinceMs: this.#sinceMs, untilMs: Math.max(this.#sinceMs, this.#nowMs()) };
    this.#sinceMs = undefined;
    this.#dropped = {};
    return loss;
  }
}

/** The record without its bodies, marked so that nobody takes it for one that had none. */
export function withoutBodies(record: AuditRecord): AuditRecord {
  if (record.request?.body === undefined && record.response?.body === undefined) return record;
  return {
    ...record,
    request: record.request && { ...record.request, ...NO_BODY },
    response: record.response && { ...record.response, ...NO_BODY },
    metadata: { ...record.metadata, bodiesDropped: 'journal' },
  };
}

const NO_BODY: AuditBody = { body: undefined, bodyFormat: undefined, bodyTruncated: undefined };
