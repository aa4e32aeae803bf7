/** A signed checkpoint: how far every known stream had come, in the canonical form that the public test vectors hold. */

import { canonicalize } from '../canonical.js';
import { GENESIS_HASH, sha256 } from '../journal/chain.js';
import { isSignedBy, keyIdOf, type SigningKey } from './signing-key.js';

/** Names are those of the public format, so that other verifiers read them. */
export interface CheckpointTip {
  readonly stream_id: string;
  /** Required by version 2 of the format; ours always have it. */
  readonly epoch?: number;
  /** Of the last record committed. */
  readonly sequence_number: number;
  readonly tip_hash: string;
  readonly entry_count: number;
}

export interface Checkpoint {
  /** SHA-256 of the canonical form of the one before; of the empty string for the first. */
  readonly prev_hash: string;
  /** Gapless from 1. */
  readonly seq: number;
  readonly timestamp: string;
  readonly tips: readonly CheckpointTip[];
}

export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Ed25519 over the canonical form, base64. */
  readonly signature: string;
  readonly keyId: string;
  readonly publicKey: string;
}

/** A stream's tip named so is no stream: its `tip_hash` is the Merkle root over the hashes of the stream's last `entry_count` records. */
export const MERKLE_PREFIX = 'merkle:';

/** @throws {TypeError} if two tips name the same stream and epoch: their order would decide the bytes. */
export function canonicalCheckpoint(checkpoint: Checkpoint): string {
  const tips = [...checkpoint.tips].sort(byIdentity);
  const twin = tips.find((tip, index) => index > 0 && byIdentity(tip, tips[index - 1] as CheckpointTip) === 0);
  if (twin !== undefined) throw new TypeError(`two tips of the stream ${twin.stream_id}`);
  return canonicalize({ ...checkpoint, tips });
}

export function hashCheckpoint(checkpoint: Checkpoint): string {
  return sha256(canonicalCheckpoint(checkpoint));
}

export function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): SignedCheckpoint {
  const tips = [...checkpoint.tips].sort(byIdentity);
  const sorted = { ...checkpoint, tips };
  return { checkpoint: sorted, signature: key.sign(canonicalCheckpoint(sorted)), keyId: key.id, publicKey: key.publicKey };
}

/** Whether the key it names signed it. Whether that key is to be trusted is another question. */
export function isIntactCheckpoint({ checkpoint, signature, keyId, publicKey }: SignedCheckpoint): boolean {
  try {
    return keyIdOf(publicKey) === keyId && isSignedBy(publicKey, canonicalCheckpoint(checkpoint), signature);
  } catch {
    return false;
  }
}

/** Whether a checkpoint is the one right after `previous` (undefined: it must be the first). */
export function followsCheckpoint(checkpoint: Checkpoint, previous: Checkpoint | undefined): boolean {
  if (previous === undefined) return checkpoint.seq === 1 && checkpoint.prev_hash === GENESIS_HASH;
  return checkpoint.seq === previous.seq + 1 && checkpoint.prev_hash === hashCheckpoint(previous);
}

/** Of `metadata` of a record, or of a copy. Undefined unless every member is there, of its type, and nothing else in the signed part. */
export function readSignedCheckpoint(value: unknown): SignedCheckpoint | undefined {
  const { checkpoint, signature, keyId, publicKey } = membersOf(value);
  if (!isCheckpoint(checkpoint) || !isText(signature) || !isText(keyId) || !isText(publicKey)) return undefined;
  return { checkpoint, signature, keyId, publicKey };
}

const CHECKPOINT_MEMBERS = 'prev_hash seq timestamp tips';
const TIP_MEMBERS: ReadonlySet<string> = new Set([
  'entry_count sequence_number stream_id tip_hash',
  'entry_count epoch sequence_number stream_id tip_hash',
]);

function isCheckpoint(value: unknown): value is Checkpoint {
  const { prev_hash, seq, timestamp, tips } = membersOf(value);
  return (
    namesOf(value) === CHECKPOINT_MEMBERS &&
    isText(prev_hash) &&
    isCount(seq) &&
    isText(timestamp) &&
    Array.isArray(tips) &&
    tips.every(isTip)
  );
}

function isTip(value: unknown): value is CheckpointTip {
  const { stream_id, epoch, sequence_number, tip_hash, entry_count } = membersOf(value);
  return (
    TIP_MEMBERS.has(namesOf(value)) &&
    isText(stream_id) &&
    (epoch === undefined || isCount(epoch)) &&
    isCount(sequence_number) &&
    isText(tip_hash) &&
    isCount(entry_count)
  );
}

/** By code point, as the format says; JavaScript's own order is by UTF-16 unit. */
function byIdentity(a: CheckpointTip, b: CheckpointTip): number {
  return Buffer.compare(Buffer.from(a.stream_id), Buffer.from(b.stream_id)) || (a.epoch ?? 0) - (b.epoch ?? 0);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function namesOf(value: unknown): string {
  return Object.keys(membersOf(value)).sort().join(' ');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
