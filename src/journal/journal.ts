/** The journal: every record becomes a chained line and reaches the page cache within the event-loop tick. It must never throw into the service. */

import * as nodeFs from 'node:fs';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { AuditError } from '../errors.js';
import type { AuditRecord } from '../record.js';
import { codeOf } from './atomic-file.js';
import { GENESIS_HASH } from './chain.js';
import { guard } from './guard.js';
import type { Journal, JournalClock, JournalOptions, JournalPosition } from './journal-contract.js';
import { tendTrail } from './kept-trail.js';
import { preparePrivateDirectory } from './layout.js';
import { FIRST_GENERATION, HEARTBEAT_MS, refreshLease, releaseLease } from './lease.js';
import type { Loss } from './loss.js';
import { type StreamManifest, syncManifest, writeStop, writeStopSync } from './manifest.js';
import { PendingLines } from './pending-lines.js';
import { Pressure, withoutBodies } from './pressure.js';
import { ownIdentity } from './process-identity.js';
import { createStreamDirectory, removeStream } from './stream-directory.js';
import { StreamFiles } from './stream-files.js';
import { JournalTip } from './tip.js';
import { limitWarnings, type Warn } from './warnings.js';
import { LineWriter } from './writer.js';

/** @throws {AuditError} ERR_AUDIT_JOURNAL when the directory is not fit (a link, another user's, not writable). */
export function createJournal(options: JournalOptions): Journal {
  return new TickJournal(options);
}

const EPOCH = 1;
const SEGMENT_BYTES = 8 * 1024 * 1024;
// 500 ms, as Vector's disk buffer: what a power cut may take. One sync is about 1 ms of a libuv thread, on cloud disks up to 20.
const SYNC_INTERVAL_MS = 500;
// 1 MB: half a second of 1,000 records a second.
const SYNC_BYTES = 1024 * 1024;
// 5 min: a retention is of days, and a round over a trail of 1,000 segments takes about 0.1 s of a libuv thread.
const TEND_INTERVAL_MS = 300_000;
const UNTENDED = { compression: 'none', retainDays: 0 } as const;
const MAX_PENDING_BYTES = 8 * 1024 * 1024;
const SYSTEM_CLOCK: JournalClock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

class TickJournal implements Journal {
  readonly directory: string;
  readonly tip = new JournalTip();
  readonly keep: boolean;
  readonly #options: JournalOptions;
  readonly #stream: string;
  readonly #identity = ownIdentity();
  readonly #manifest: StreamManifest;
  readonly #clock: JournalClock;
  readonly #warn: Warn;
  readonly #files: StreamFiles;
  readonly #pending: PendingLines;
  readonly #pressure: Pressure;
  readonly #writer: LineWriter;
  readonly #timer: NodeJS.Timeout;
  readonly #onWritten: (records: number) => void;
  readonly #onDropped: (reason: string, records: number) => void;
  readonly #onLoss: (loss: Loss) => void;
  #seq = 0;
  #hash = GENESIS_HASH;
  #writtenSeq = 0;
  #syncedSeq = 0;
  #unsyncedBytes = 0;
  #manifestSync: Promise<void> | undefined;
  /** The first segment that an exporter still needs. */
  #neededSegment = 0;
  #tendedMs = Number.NEGATIVE_INFINITY;
  #heartbeatMs: number;
  #closing: Promise<void> | undefined;
  #isEnded = false;
  /** Accepted, and never written. */
  #lost = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#onWritten = guard(options.onWritten);
    this.#onDropped = guard(options.onDropped);
    this.#onLoss = guard(options.onLoss);
    this.keep = options.keep ?? false;
    this.#stream = options.stream ?? uuidv7();
    this.directory = join(options.directory, this.#stream);
    this.#pending = new PendingLines(options.key?.sealer(this.#stream));
    this.#manifest = { ...options.manifest, keyId: options.key?.id };
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#heartbeatMs = this.#clock.monotonicMs();
    this.#warn = limitWarnings(options.onWarning, () => this.#clock.monotonicMs());
    this.#pressure = new Pressure(options.maxPendingBytes ?? MAX_PENDING_BYTES, () => this.#clock.nowMs());
    const maxBytes = this.keep ? Number.POSITIVE_INFINITY : options.maxBytes;
    // A quarter of the bound at most, or there would never be a closed segment to trim.
    this.#files = new StreamFiles(this.directory, Math.min(options.segmentBytes ?? SEGMENT_BYTES, maxBytes / 4), options.fs ?? nodeFs);
    this.#writer = new LineWriter({
      pending: this.#pending,
      files: this.#files,
      mode: options.write ?? 'tick',
      maxBytes,
      monotonicMs: () => this.#clock.monotonicMs(),
      warn: this.#warn,
      onWritten: (lines, bytes) => this.#wrote(lines, bytes),
      onRelief: () => this.#relieved(),
    });
    this.#createDirectories();
    this.#timer = setInterval(() => void this.#maintain(), options.syncIntervalMs ?? SYNC_INTERVAL_MS).unref();
  }

  get position(): JournalPosition {
    return { stream: this.#stream, seq: this.#seq, hash: this.#hash };
  }

  get bytes(): number {
    return this.#files.bytes + this.#pending.size;
  }

  get isWritable(): boolean {
    return !this.#writer.isRefused;
  }

  append(record: AuditRecord): string | false {
    if (this.#closing !== undefined) return this.#drop('journal_closed');
    try {
      return this.#append(record);
    } catch {
      return this.#drop('unencodable');
    }
  }

  flushSync(): void {
    this.#writer.flushSync();
  }

  async sync(): Promise<void> {
    const target = this.#seq;
    await this.#writer.flush();
    if (this.#writtenSeq < target) throw new AuditError('ERR_AUDIT_JOURNAL', 'the journal cannot be written; see the warnings before');
    const written = this.#writtenSeq;
    this.#unsyncedBytes = 0;
    await Promise.all([this.#files.sync(), this.#syncManifest()]);
    this.#syncedSeq = Math.max(this.#syncedSeq, written);
  }

  async trim(segment: number): Promise<void> {
    this.#neededSegment = segment;
    if (!this.keep) await this.#files.trim(segment);
  }

  close(deliveredSeq = -1): Promise<void> {
    this.#closing ??= this.#close(deliveredSeq);
    return this.#closing;
  }

  closeSync(): void {
    if (this.#isEnded) return;
    this.#closing ??= Promise.resolve();
    try {
      writeStopSync(this.directory, { ...this.#end(), complete: false });
    } catch (error) {
      this.#warn('close', `the journal could not be closed (${codeOf(error) ?? 'unknown'}); the next process takes it over`);
    }
  }

  /** Once; and again after the folder was made anew. */
  #syncManifest(): Promise<void> {
    this.#manifestSync ??= syncManifest(this.directory).catch((error: unknown) => {
      this.#manifestSync = undefined;
      throw error;
    });
    return this.#manifestSync;
  }

  #createDirectories(): void {
    preparePrivateDirectory(this.#options.directory, this.#options.keep === true ? 'AUDIT_FILE_DIR' : 'AUDIT_JOURNAL_DIR');
    try {
      createStreamDirectory(this.directory, this.#manifest, this.#identity);
    } catch (cause) {
      const why = codeOf(cause) ?? 'unknown';
      throw new AuditError('ERR_AUDIT_JOURNAL', `the journal directory ${this.#options.directory} cannot be written (${why})`, { cause });
    }
  }

  #append(record: AuditRecord): string | false {
    const fit = this.#pressure.fit(this.#pending.size);
    if (fit === 'no-room') return this.#drop('journal_unavailable');
    if (fit === 'without-bodies') this.#warn('bodies', 'the journal is not written fast enough; records are kept without bodies for now');
    const link = { epoch: EPOCH, seq: this.#seq + 1, prevHash: this.#hash, stream: this.#stream };
    const { hash, byteLength } = this.#pending.encode(fit === 'whole' ? record : withoutBodies(record), link);
    // A record larger than the bound on its own is still taken when nothing waits.
    if (this.#pending.size > 0 && !this.#pressure.fits(this.#pending.size, byteLength)) return this.#drop('journal_unavailable');
    this.#pending.commit(byteLength);
    this.#seq = link.seq;
    this.#hash = hash;
    this.#writer.schedule();
    return hash;
  }

  #drop(reason: string): false {
    this.#pressure.drop(reason);
    this.#onDropped(reason, 1);
    this.#warn(`drop ${reason}`, `a record was dropped (${reason}); the audit counters say how many`);
    return false;
  }

  #wrote(lines: number, bytes: number): void {
    this.#unsyncedBytes += bytes;
    if (this.#unsyncedBytes >= (this.#options.syncBytes ?? SYNC_BYTES)) {
      this.#unsyncedBytes = 0;
      // Not within the write that brought the last of them.
      setImmediate(() => void this.#syncQuietly());
    }
    if (lines === 0) return;
    this.#writtenSeq += lines;
    this.tip.publish(this.#writtenSeq);
    this.#onWritten(lines);
  }

  #relieved(): void {
    const loss = this.#pressure.takeLoss();
    if (loss !== undefined) this.#onLoss(loss);
  }

  async #maintain(): Promise<void> {
    try {
      if (!this.#files.isInPlace()) this.#restore();
      await this.#beat();
    } catch (error) {
      this.#warn('maintain', `the journal's folder cannot be kept up (${codeOf(error) ?? 'unknown'}); it is tried again`);
    }
    if (this.#syncedSeq < this.#writtenSeq) await this.#syncQuietly();
    await this.#tend();
  }

  async #tend(): Promise<void> {
    const { directory, trail = UNTENDED } = this.#options;
    const isTended = this.keep && (trail.compression !== 'none' || trail.retainDays > 0);
    const now = this.#clock.monotonicMs();
    if (!isTended || now - this.#tendedMs < TEND_INTERVAL_MS) return;
    this.#tendedMs = now;
    try {
      await tendTrail({ ...trail, directory, ownStream: this.#stream, nowMs: () => this.#clock.nowMs() }, this.#neededSegment);
    } catch (error) {
      this.#warn(
        'trail',
        `the kept trail in ${directory} cannot be compressed or cleared (${codeOf(error) ?? 'unknown'}); it is tried again`,
      );
    }
  }

  async #syncQuietly(): Promise<void> {
    if (this.#isEnded) return;
    try {
      await this.sync();
    } catch (error) {
      // Where it cannot even be written the writer has said so.
      if (!this.isWritable) return;
      this.#warn('sync', `the journal cannot be synced (${codeOf(error) ?? 'unknown'}); records may not survive a power cut`);
    }
  }

  #restore(): void {
    this.#warn('deleted', `the journal's folder ${this.directory} was deleted under the process; making it anew`);
    createStreamDirectory(this.directory, this.#manifest, this.#identity);
    this.#files.restore();
    this.#manifestSync = undefined;
    this.#syncedSeq = 0;
  }

  async #beat(): Promise<void> {
    const now = this.#clock.monotonicMs();
    if (now - this.#heartbeatMs < HEARTBEAT_MS) return;
    this.#heartbeatMs = now;
    await refreshLease(this.directory, FIRST_GENERATION, this.#clock.nowMs());
  }

  /** The last attempt to write; what is still in memory then is lost, and counted. */
  #end(): { readonly clean: boolean; readonly lastSeq: number } {
    clearInterval(this.#timer);
    this.#writer.close();
    const lost = this.#seq - this.#writtenSeq - this.#lost;
    this.#lost += lost;
    if (lost > 0) this.#onDropped('journal_unavailable', lost);
    return { clean: this.#lost === 0, lastSeq: this.#writtenSeq };
  }

  async #close(deliveredSeq: number): Promise<void> {
    const end = this.#end();
    try {
      await this.#files.close();
      const complete = deliveredSeq >= this.#seq;
      // From here on a `closeSync` would only be in the way.
      this.#isEnded = true;
      if (complete && (!this.keep || this.#seq === 0)) return await removeStream(this.directory, end.lastSeq);
      // It is there all the same: only a power cut could still take it.
      await this.#syncManifest().catch(() => undefined);
      await writeStop(this.directory, { ...end, complete });
      await releaseLease(this.directory, FIRST_GENERATION);
    } catch (error) {
      this.#warn('close', `the journal could not be closed (${codeOf(error) ?? 'unknown'}); the next process takes it over`);
    }
  }
}
