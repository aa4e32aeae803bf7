/** What the pipeline may ask of a journal, and what a journal tells the pipeline. */

import type { AuditRecord } from '../record.js';
import type { Compression } from './compression.js';
import type { JournalKey } from './keyring.js';
import type { Loss } from './loss.js';
import type { StreamManifest } from './manifest.js';
import type { JournalFs } from './segment.js';
import type { JournalTip } from './tip.js';

export interface JournalOptions {
  /** Absolute. Made if it is not there. */
  readonly directory: string;
  readonly manifest: StreamManifest;
  /** Bytes the stream may hold; not enforced with `keep`. */
  readonly maxBytes: number;
  /** Encrypts what is written. */
  readonly key?: JournalKey | undefined;
  /** `tick`: one synchronous write per event-loop tick. `async`: never blocks, and may lose more to a kill -9. Default `tick`. */
  readonly write?: 'tick' | 'async';
  /** True: the journal is the trail itself (file exporter); nothing is ever trimmed. */
  readonly keep?: boolean;
  /** What becomes of a kept trail; default: it is left as it is. */
  readonly trail?: { readonly compression: Compression; readonly retainDays: number } | undefined;
  /** Default 8 MB. */
  readonly segmentBytes?: number;
  /** How often written lines are synced to the disk in the background. Default 500 ms. */
  readonly syncIntervalMs?: number;
  /** So many bytes written since the last sync bring the next one forward. Default 1 MB. */
  readonly syncBytes?: number;
  /** Bytes kept in memory while the disk does not take them. Default 8 MB. */
  readonly maxPendingBytes?: number;
  /** Default: a new UUIDv7. */
  readonly stream?: string;
  readonly onWritten?: (records: number) => void;
  readonly onDropped?: (reason: string, records: number) => void;
  /** At most one a minute of each kind. Names paths and error codes, never a record's content. */
  readonly onWarning?: (message: string) => void;
  /** Called once writing works again after records were dropped. */
  readonly onLoss?: (loss: Loss) => void;
  /** `monotonicMs` times writes; `nowMs` is the wall clock. */
  readonly clock?: JournalClock;
  readonly fs?: JournalFs;
}

export interface JournalClock {
  nowMs(): number;
  monotonicMs(): number;
}

export interface JournalPosition {
  readonly stream: string;
  /** 0 before the first record. */
  readonly seq: number;
  readonly hash: string;
}

export interface Journal {
  /** The stream's own directory. */
  readonly directory: string;
  /** The newest record, written or still in memory. */
  readonly position: JournalPosition;
  /** What the deliverer watches. */
  readonly tip: JournalTip;
  readonly bytes: number;
  /** False while the disk refuses to be written to, or is full: records wait in memory. */
  readonly isWritable: boolean;
  readonly keep: boolean;
  /** Answers the record's hash. Never throws. False: dropped, and counted through `onDropped`. */
  append(record: AuditRecord): string | false;
  /** Writes what is pending, whatever the mode. Never throws. */
  flushSync(): void;
  /** Ends the stream where there is no time for `close`: on the process's `exit` event. Never throws; nothing after `close`. */
  closeSync(): void;
  /**
   * Settles when every record appended so far is on the disk.
   * @throws {AuditError} ERR_AUDIT_JOURNAL when it cannot be.
   */
  sync(): Promise<void>;
  /** Segments before `segment` are not needed any more: call it only with cursors that are synced. Deletes them, unless they are kept. */
  trim(segment: number): Promise<void>;
  /** Ends the stream. `deliveredSeq`: up to where every exporter is done; if that is the end, the stream goes away. Idempotent. */
  close(deliveredSeq?: number): Promise<void>;
}
