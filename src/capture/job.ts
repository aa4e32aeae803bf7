/** Work that no HTTP request asked for: a cron job, a queue message. What it does is recorded in its name. */

import { v7 as uuidv7 } from 'uuid';
import { isoTime } from '../clock.js';
import type { AuditTrace, JsonObject } from '../record.js';
import type { Exchange, ServiceWords } from './exchange.js';

export interface JobOptions {
  /** What it was started with; what is said while it runs is added. */
  readonly words: ServiceWords;
  readonly requestId: string | undefined;
  readonly trace: AuditTrace | undefined;
  /** The request it runs in, if it does. */
  readonly exchange: Exchange | undefined;
  /** It becomes a record itself. */
  readonly isRecorded: boolean;
}

export class Job {
  /** The id of its own record, if it gets one. */
  readonly id = uuidv7();
  readonly time = isoTime(Date.now());
  readonly #startedAt = performance.now();
  readonly requestId: string;
  readonly trace: AuditTrace | undefined;
  readonly words: ServiceWords;
  readonly exchange: Exchange | undefined;
  readonly isRecorded: boolean;
  /** What ORM adapters saw committed in it; raw. */
  readonly changes: JsonObject[] = [];
  #hasSettled = false;

  constructor({ words, requestId, trace, exchange, isRecorded }: JobOptions) {
    this.words = words;
    this.requestId = requestId ?? exchange?.requestId ?? this.id;
    this.trace = trace ?? exchange?.span?.spanContext();
    this.exchange = exchange;
    this.isRecorded = isRecorded;
  }

  /** It becomes a record that is not made yet. */
  takesChanges(): boolean {
    return this.isRecorded && !this.#hasSettled;
  }

  settle(): void {
    this.#hasSettled = true;
  }

  /** To the microsecond. */
  durationMs(): number {
    return Math.round((performance.now() - this.#startedAt) * 1000) / 1000;
  }
}
