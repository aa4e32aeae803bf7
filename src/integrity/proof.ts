/** The proof that one record is in the trail: what was hashed, the path to the Merkle root, and the signed checkpoint that holds it. */

import { canonicalize } from '../canonical.js';
import { AuditError } from '../errors.js';
import { isIntact } from '../journal/chain.js';
import type { JournalledRecord } from '../record.js';
import type { Trail } from '../trail/trail.js';
import {
  type CheckpointTip,
  canonicalCheckpoint,
  isIntactCheckpoint,
  MERKLE_PREFIX,
  readSignedCheckpoint,
  type SignedCheckpoint,
} from './checkpoint.js';
import { merklePath, type PathStep, rootOfPath } from './merkle.js';

/** Texts stand as they were hashed and signed, so that a checker needs no canonical JSON of its own. */
export interface InclusionProof {
  readonly format: 'otel-audit-proof/1';
  /** The record without its hash; SHA-256 over it is `hash`. */
  readonly record: string;
  readonly hash: string;
  /** From the leaf, SHA-256 over 00 and the 32 bytes of `hash`, upwards: SHA-256 over 01, the left and the right. */
  readonly path: readonly PathStep[];
  /** Of the stream's records `root.fromSeq` to `root.toSeq`. */
  readonly root: { readonly hash: string; readonly fromSeq: number; readonly toSeq: number };
  /** What is signed. One of its tips is `merkle:<stream>` with the root. */
  readonly checkpoint: string;
  readonly signature: string;
  readonly keyId: string;
  readonly publicKey: string;
}

/** @throws {AuditError} ERR_AUDIT_TRAIL if there is no such record, if no checkpoint covers it yet, or if the trail contradicts the checkpoint */
export async function proveRecord(trail: Trail, id: string): Promise<InclusionProof> {
  const record = await recordOf(trail, id);
  const { stream, epoch, seq } = record.integrity;
  const { signed, tip } = await checkpointOver(trail, record);
  const fromSeq = tip.sequence_number - tip.entry_count + 1;
  const hashes = await trail.hashes({ stream, epoch, fromSeq, toSeq: tip.sequence_number });
  const path = merklePath(hashes, seq - fromSeq);
  if (hashes.length !== tip.entry_count || rootOfPath(record.integrity.hash, path) !== tip.tip_hash) {
    throw cannot(
      id,
      `records ${fromSeq} to ${tip.sequence_number} of its stream are not those that were signed; otel-audit verify says which`,
    );
  }
  return {
    format: 'otel-audit-proof/1',
    record: hashedText(record),
    hash: record.integrity.hash,
    path,
    root: { hash: tip.tip_hash, fromSeq, toSeq: tip.sequence_number },
    checkpoint: canonicalCheckpoint(signed.checkpoint),
    signature: signed.signature,
    keyId: signed.keyId,
    publicKey: signed.publicKey,
  };
}

async function recordOf(trail: Trail, id: string): Promise<JournalledRecord> {
  for await (const record of trail.search({ id }, {})) {
    if (!isIntact(record)) throw cannot(id, 'it does not match its own hash: it was altered');
    return record;
  }
  throw cannot(id, `it is not in ${trail.name}`);
}

interface Covering {
  readonly signed: SignedCheckpoint;
  readonly tip: CheckpointTip;
}

async function checkpointOver(trail: Trail, { id, integrity }: JournalledRecord): Promise<Covering> {
  const { stream, epoch, seq } = integrity;
  for await (const stored of trail.checkpoints()) {
    const signed = stored.stream === stream ? readSignedCheckpoint(stored.content) : undefined;
    const tip = signed?.checkpoint.tips.find((one) => one.stream_id === `${MERKLE_PREFIX}${stream}` && one.epoch === epoch);
    const isOver = tip !== undefined && seq <= tip.sequence_number && seq > tip.sequence_number - tip.entry_count;
    if (signed !== undefined && isOver && isIntactCheckpoint(signed)) return { signed, tip };
  }
  throw cannot(id, 'no checkpoint covers it: none has been made since, or AUDIT_SIGNING_KEY was not set');
}

function hashedText(record: JournalledRecord): string {
  const { hash: _, ...link } = record.integrity;
  return canonicalize({ ...record, integrity: link });
}

function cannot(id: string, why: string): AuditError {
  return new AuditError('ERR_AUDIT_TRAIL', `the record ${id} cannot be proved: ${why}`);
}
