/** The chain of one stream as its records come in, in whatever order: what links, what does not, and where the gaps are. */

import { GENESIS_HASH, isIntact } from '../journal/chain.js';
import type { WholeRecord } from '../journal/whole-line.js';
import type { JournalledRecord } from '../record.js';
import type { TrailEntry } from '../trail/trail.js';
import type { Findings } from './findings.js';

/** Records without a gap between them. Memory is one of these a gap, not one a record. */
interface Run {
  readonly from: number;
  readonly firstPrevHash: string;
  to: number;
  lastHash: string;
}

/** Damaged records remembered, to find out whether they stand in each other's places. */
const REMEMBERED = 16;
/** How far from its place a record with a changed number is looked for. */
const NEARBY = 16;

const ALTERED = 'does not match its own hash';
const MOVED = 'stands in the place of another';

export class StreamChain {
  readonly stream: string;
  readonly epoch: number;
  readonly #findings: Findings;
  readonly #runs: Run[] = [];
  readonly #damaged: JournalledRecord[] = [];
  #count = 0;
  #stoppedAt = 0;
  #sealedAt = 0;
  #lastCheckpointAt = 0;
  #signature: string | undefined;

  constructor(stream: string, epoch: number, findings: Findings) {
    this.stream = stream;
    this.epoch = epoch;
    this.#findings = findings;
  }

  /** Records seen, twins included. */
  get count(): number {
    return this.#count;
  }

  get firstSeq(): number {
    return this.#runs[0]?.from ?? 0;
  }

  get lastSeq(): number {
    return this.#runs.at(-1)?.to ?? 0;
  }

  /** Whether it begins with the first record of all. */
  get isWhole(): boolean {
    return this.#runs[0]?.from === 1 && this.#runs[0].firstPrevHash === GENESIS_HASH;
  }

  /** The last record is its stop, or the checkpoint that seals it. */
  get hasEnded(): boolean {
    return this.#stoppedAt > 0 && this.lastSeq <= Math.max(this.#stoppedAt, this.#sealedAt);
  }

  /** Of the checkpoint that the last record holds, if it holds one. */
  get lastSignature(): string | undefined {
    return this.#lastCheckpointAt === this.lastSeq ? this.#signature : undefined;
  }

  /** Between the runs, each with both ends. */
  get gaps(): readonly { readonly from: number; readonly to: number }[] {
    return this.#runs.slice(1).map((run, index) => ({ from: (this.#runs[index] as Run).to + 1, to: run.from - 1 }));
  }

  /** Sealed, and then gone on without another stop. */
  get lateFrom(): number | undefined {
    const isLate = this.#sealedAt > 0 && this.lastSeq > this.#sealedAt && this.#stoppedAt < this.#sealedAt;
    return isLate ? this.#sealedAt + 1 : undefined;
  }

  add(entry: TrailEntry, isOrdered: boolean): void {
    const { record } = entry;
    if (record === undefined) return;
    this.#count += 1;
    if (entry.fault !== undefined) this.#damage(entry.record);
    else if (record.kind === 'lifecycle') this.#noteLife(record);
    const last = this.#runs.at(-1);
    const { seq, prevHash, hash } = record.integrity;
    if (last !== undefined && seq === last.to + 1) {
      this.#link(record, last.lastHash);
      last.to = seq;
      last.lastHash = hash;
    } else if (last === undefined || seq > last.to) this.#runs.push({ from: seq, to: seq, firstPrevHash: prevHash, lastHash: hash });
    else this.#fill(record, entry.fault !== undefined, isOrdered);
  }

  /** Somewhere before the end: in a gap, or on a place that is taken. */
  #fill(record: WholeRecord, isDamaged: boolean, isOrdered: boolean): void {
    const { seq, prevHash, hash } = record.integrity;
    const at = this.#runs.findLastIndex((run) => run.from <= seq);
    const before = this.#runs[at];
    const next = this.#runs[at + 1];
    if (before !== undefined && seq <= before.to) return this.#twin(record, isDamaged, before);
    if (isOrdered) this.#find('reordered', seq, 'comes after records that were recorded later', record.id);
    const joinsBefore = before?.to === seq - 1;
    if (joinsBefore) this.#link(record, before.lastHash);
    if (next?.from === seq + 1 && next.firstPrevHash !== hash) this.#broken(seq, record.id);
    const joined: Run = {
      from: joinsBefore ? before.from : seq,
      firstPrevHash: joinsBefore ? before.firstPrevHash : prevHash,
      to: next?.from === seq + 1 ? next.to : seq,
      lastHash: next?.from === seq + 1 ? next.lastHash : hash,
    };
    this.#runs.splice(joinsBefore ? at : at + 1, (joinsBefore ? 1 : 0) + (next?.from === seq + 1 ? 1 : 0), joined);
  }

  #twin(record: WholeRecord, isDamaged: boolean, run: Run): void {
    const { seq, hash } = record.integrity;
    const isCopy = run.to !== seq || run.lastHash === hash;
    const twin = { kind: isCopy ? ('replayed' as const) : ('foreign' as const), detail: 'claims a place that another record has' };
    const isTold = this.#findings.replace(this.stream, seq, 'modified', twin);
    // Of two, the one that matches its hash is the recorded one.
    if (isTold && !isDamaged && run.to === seq) run.lastHash = hash;
    if (!isTold) this.#find(twin.kind, seq, twin.detail, record.id);
  }

  #link({ id, integrity }: WholeRecord, hashBefore: string): void {
    if (integrity.prevHash === hashBefore) return;
    // A record that was altered after it was linked to has had its finding; so has one with a changed link.
    if (!this.#damaged.some((damaged) => damaged.integrity.seq === integrity.seq)) this.#broken(integrity.seq - 1, id);
  }

  #broken(seq: number, nextId: string): void {
    this.#find('modified', seq, 'was rewritten and hashed again, or the next one was: the link between them is broken', nextId);
  }

  #damage(record: JournalledRecord): void {
    const { seq } = record.integrity;
    const partner = this.#damaged.find((other) => isSwapped(other, record));
    if (partner !== undefined) {
      this.#findings.replace(this.stream, partner.integrity.seq, 'modified', { kind: 'reordered', detail: MOVED });
      this.#find('reordered', seq, MOVED, record.id);
    } else if (trueSeqOf(record) !== undefined) this.#find('reordered', seq, MOVED, record.id);
    else this.#find('modified', seq, ALTERED, record.id);
    this.#damaged.push(record);
    if (this.#damaged.length > REMEMBERED) this.#damaged.shift();
  }

  #noteLife({ action, metadata, integrity: { seq } }: WholeRecord): void {
    if (action === 'audit.stop') this.#stoppedAt = Math.max(this.#stoppedAt, seq);
    if (action !== 'audit.checkpoint') return;
    if (seq > this.#lastCheckpointAt) {
      this.#lastCheckpointAt = seq;
      this.#signature = typeof metadata?.['signature'] === 'string' ? metadata['signature'] : undefined;
    }
    if (this.#stoppedAt === seq - 1) this.#sealedAt = seq;
  }

  #find(kind: 'modified' | 'reordered' | 'replayed' | 'foreign', seq: number, detail: string, id: string): void {
    this.#findings.add({ kind, stream: this.stream, epoch: this.epoch, fromSeq: seq, toSeq: seq, detail }, id);
  }
}

/** Two records, each of which is whole in the other's place. */
function isSwapped(a: JournalledRecord, b: JournalledRecord): boolean {
  return isIntact({ ...a, integrity: b.integrity }) && isIntact({ ...b, integrity: a.integrity });
}

/** The number with which the record is whole after all. */
function trueSeqOf(record: JournalledRecord): number | undefined {
  const { seq } = record.integrity;
  for (let at = Math.max(1, seq - NEARBY); at <= seq + NEARBY; at += 1) {
    if (at !== seq && isIntact({ ...record, integrity: { ...record.integrity, seq: at } })) return at;
  }
  return undefined;
}
