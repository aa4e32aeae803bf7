/** Stands in for a journal that cannot be opened yet (a volume that is not mounted, a permission): keeps what memory allows and tries again. */

import type { Loss } from './journal/loss.js';
import { Pressure, withoutBodies } from './journal/pressure.js';
import type { AuditRecord } from './record.js';
import type { Sink } from './sink.js';

export interface WaitingSinkOptions {
  /** @throws while it cannot be. */
  readonly open: () => Sink;
  readonly onDropped: (records: number) => void;
  readonly onLoss: (loss: Loss) => void;
  readonly onOpened: () => void;
  /** Default 5 s. */
  readonly retryMs?: number;
}

// As much as a journal that cannot write keeps.
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 5000;
// A record without its bodies is of about that many bytes; an estimate does, as nothing is encoded yet.
const RECORD_BYTES = 1500;

export function createWaitingSink({ open, onDropped, onLoss, onOpened, retryMs = RETRY_MS }: WaitingSinkOptions): Sink {
  const pressure = new Pressure(MAX_WAITING_BYTES, () => Date.now());
  const waiting: AuditRecord[] = [];
  let waitingBytes = 0;
  let sink: Sink | undefined;
  const timer = setInterval(tryToOpen, retryMs).unref();

  function tryToOpen(): Sink | undefined {
    if (sink !== undefined) return sink;
    try {
      sink = open();
    } catch {
      return undefined;
    }
    clearInterval(timer);
    for (const record of waiting.splice(0)) sink.append(record);
    const loss = pressure.takeLoss();
    if (loss !== undefined) onLoss(loss);
    onOpened();
    return sink;
  }

  function giveUp(): void {
    clearInterval(timer);
    onDropped(waiting.splice(0).length);
  }

  return {
    append(record) {
      if (sink !== undefined) return sink.append(record);
      const fit = pressure.fit(waitingBytes);
      if (fit === 'no-room') {
        pressure.drop('journal_unusable');
        onDropped(1);
        return undefined;
      }
      const kept = fit === 'whole' ? record : withoutBodies(record);
      waitingBytes += RECORD_BYTES + (kept.request?.body?.length ?? 0) + (kept.response?.body?.length ?? 0);
      waiting.push(kept);
      return undefined;
    },
    sync: async (timeoutMs) => (await sink?.sync(timeoutMs)) ?? false,
    closeSync() {
      const opened = tryToOpen();
      if (opened === undefined) giveUp();
      else opened.closeSync();
    },
    flush: async (timeoutMs) => sink?.flush(timeoutMs),
    health: () => sink?.health() ?? {},
    journal: () => sink?.journal() ?? { bytes: 0, maxBytes: MAX_WAITING_BYTES, isWritable: false },
    async shutdown(timeoutMs) {
      const opened = tryToOpen();
      if (opened === undefined) giveUp();
      else await opened.shutdown(timeoutMs);
    },
  };
}
