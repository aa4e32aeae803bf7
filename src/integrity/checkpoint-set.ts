/** All checkpoints of a trail and of the copies beside it: judged once, and then asked for the tips they commit. */

import type { StoredCheckpoint } from '../trail/trail.js';
import {
  type Checkpoint,
  followsCheckpoint,
  hashCheckpoint,
  isIntactCheckpoint,
  MERKLE_PREFIX,
  readSignedCheckpoint,
  type SignedCheckpoint,
} from './checkpoint.js';
import type { Findings } from './findings.js';
import type { KeyRing } from './key-ring.js';

/** What one or more checkpoints say of one record of a stream. */
export interface CommittedTip {
  readonly seq: number;
  /** Undefined: that of the checkpoint's own record, which no checkpoint could know. */
  readonly hash: string | undefined;
  /** Of the earliest checkpoint that says so. */
  readonly time: string;
  /** A key that the verifier believes signed it. */
  readonly isTrusted: boolean;
}

interface Known {
  readonly stream: string;
  readonly signed: SignedCheckpoint;
  readonly places: Set<StoredCheckpoint['place']>;
  readonly isTrusted: boolean;
}

export class CheckpointSet {
  readonly #findings: Findings;
  readonly #keys: KeyRing;
  readonly #known = new Map<string, Known>();
  readonly #tips = new Map<string, Map<number, CommittedTip>>();
  readonly #strangers = new Set<string>();
  readonly #trustedSignatures = new Set<string>();

  constructor(findings: Findings, keys: KeyRing) {
    this.#findings = findings;
    this.#keys = keys;
  }

  get count(): number {
    return this.#known.size;
  }

  /** Ids of keys that signed something and are not among those the verifier believes. */
  get strangers(): readonly string[] {
    return [...this.#strangers];
  }

  add({ stream, content, place }: StoredCheckpoint): void {
    const signed = readSignedCheckpoint(content);
    const known = signed && this.#known.get(identityOf(stream, signed));
    if (known !== undefined) return void known.places.add(place);
    if (signed === undefined) return this.#find('modified', stream, 'a checkpoint is not of the form it must have');
    const { checkpoint, keyId, publicKey } = signed;
    if (!isIntactCheckpoint(signed))
      return this.#find('modified', stream, `the signature of checkpoint ${checkpoint.seq} does not match it`);
    const verdict = this.#keys.judge(keyId, publicKey, checkpoint.timestamp);
    if (verdict !== 'valid') this.#strangers.add(keyId);
    if (verdict !== 'valid' && this.#keys.isComplete) {
      const why = verdict === 'expired' ? 'which was not valid then' : 'which is not among the keys given';
      return this.#find('foreign', stream, `checkpoint ${checkpoint.seq} is signed by the key ${keyId}, ${why}`);
    }
    if (!checkpoint.tips.some((tip) => tip.stream_id === stream)) {
      return this.#find('foreign', stream, `checkpoint ${checkpoint.seq} is of another stream`);
    }
    this.#known.set(identityOf(stream, signed), { stream, signed, places: new Set([place]), isTrusted: verdict === 'valid' });
    if (verdict === 'valid') this.#trustedSignatures.add(signed.signature);
    this.#commit(stream, checkpoint, verdict === 'valid');
  }

  /** Checks that each stream's checkpoints are one chain. Call when all are in. */
  finish(startsLate: (stream: string) => boolean): void {
    const chains = new Map<string, Checkpoint[]>();
    for (const { stream, signed } of this.#known.values()) {
      const chain = chains.get(stream);
      if (chain === undefined) chains.set(stream, [signed.checkpoint]);
      else chain.push(signed.checkpoint);
    }
    for (const [stream, checkpoints] of chains) {
      const sorted = checkpoints.sort((a, b) => a.seq - b.seq);
      let previous: Checkpoint | undefined;
      for (const checkpoint of sorted) {
        if (previous !== undefined || !startsLate(stream)) this.#checkChain(stream, checkpoint, previous);
        previous = checkpoint;
      }
    }
  }

  /** By sequence number. */
  tipsOf(stream: string, epoch: number): ReadonlyMap<number, CommittedTip> {
    return this.#tips.get(placeOf(stream, epoch)) ?? NO_TIPS;
  }

  isTrusted(signature: string | undefined): boolean {
    return signature !== undefined && this.#trustedSignatures.has(signature);
  }

  /** Every stream that a checkpoint speaks of. */
  streams(): readonly { readonly stream: string; readonly epoch: number }[] {
    return [...this.#tips.keys()].map((place) => {
      const [epoch = '', stream = ''] = place.split(' ');
      return { stream, epoch: Number(epoch) };
    });
  }

  /** Known from outside, and not in the trail: neither as a record nor in its table. */
  *onlyOutside(): Generator<{ readonly stream: string; readonly checkpoint: Checkpoint }> {
    for (const { stream, signed, places } of this.#known.values()) {
      if (!places.has('record') && !places.has('table')) yield { stream, checkpoint: signed.checkpoint };
    }
  }

  #commit(carrier: string, { tips, timestamp: time }: Checkpoint, isTrusted: boolean): void {
    for (const { stream_id: stream, epoch = 0, sequence_number: seq, tip_hash: hash } of tips) {
      if (stream.startsWith(MERKLE_PREFIX)) continue;
      if (seq > 0) this.#put(stream, epoch, { seq, hash, time, isTrusted });
      // The checkpoint's own record comes next: without it the stream was cut off right behind the last tip.
      if (stream === carrier) this.#put(stream, epoch, { seq: seq + 1, hash: undefined, time, isTrusted: false });
    }
  }

  #put(stream: string, epoch: number, tip: CommittedTip): void {
    const place = placeOf(stream, epoch);
    const own = this.#tips.get(place) ?? new Map<number, CommittedTip>();
    this.#tips.set(place, own);
    const said = own.get(tip.seq);
    if (said?.hash !== undefined && tip.hash !== undefined && said.hash !== tip.hash)
      return this.#find('foreign', stream, `two checkpoints say different things of record ${tip.seq}: there are two histories`, epoch);
    own.set(tip.seq, {
      seq: tip.seq,
      hash: said?.hash ?? tip.hash,
      time: said !== undefined && said.time < tip.time ? said.time : tip.time,
      isTrusted: said?.isTrusted === true || tip.isTrusted,
    });
  }

  #checkChain(stream: string, checkpoint: Checkpoint, previous: Checkpoint | undefined): void {
    const { seq } = checkpoint;
    if (followsCheckpoint(checkpoint, previous)) {
      if (previous !== undefined && checkpoint.timestamp < previous.timestamp)
        this.#find('reordered', stream, `checkpoint ${seq} says it is older than checkpoint ${previous.seq}`);
      return;
    }
    const before = previous?.seq ?? 0;
    if (seq === before) this.#find('foreign', stream, `there are two checkpoints ${seq}: there are two histories`);
    else if (seq > before + 1) this.#find('missing', stream, `checkpoints ${before + 1} to ${seq - 1} are missing`);
    else this.#find('modified', stream, `checkpoint ${seq} does not follow the one before it`);
  }

  #find(kind: 'modified' | 'foreign' | 'missing' | 'reordered', stream: string, detail: string, epoch = 1): void {
    this.#findings.add({ kind, stream, epoch, fromSeq: 0, toSeq: 0, detail });
  }
}

const NO_TIPS: ReadonlyMap<number, CommittedTip> = new Map();

function identityOf(stream: string, { checkpoint, signature }: SignedCheckpoint): string {
  return `${stream} ${signature} ${hashOf(checkpoint)}`;
}

/** A content that has no canonical form is its own. */
function hashOf(checkpoint: Checkpoint): string {
  try {
    return hashCheckpoint(checkpoint);
  } catch {
    return JSON.stringify(checkpoint);
  }
}

function placeOf(stream: string, epoch: number): string {
  return `${epoch} ${stream}`;
}
