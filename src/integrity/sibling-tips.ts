/** How far the other streams of a journal directory have come, so that one stream's checkpoints vouch for the others. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from '../journal/manifest.js';
import { readLastRecord } from '../journal/tail.js';
import type { CheckpointTip } from './checkpoint.js';

// A tip is about 250 bytes; with these the checkpoint stays within a record's metadata.
const MAX_SIBLINGS = 32;

/** Of the newest streams of the same service. A stream that cannot be read is left out. */
export async function siblingTips(directory: string, ownStream: string, service: string): Promise<readonly CheckpointTip[]> {
  const streams = (await readdir(directory)).filter((name) => STREAM.test(name) && name !== ownStream);
  const tips: CheckpointTip[] = [];
  // UUIDv7: the newest sort last.
  for (const stream of streams.sort().toReversed().slice(0, MAX_SIBLINGS)) {
    const tip = await tipOf(join(directory, stream), service).catch(() => undefined);
    if (tip !== undefined) tips.push(tip);
  }
  return tips;
}

const STREAM = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function tipOf(streamDirectory: string, service: string): Promise<CheckpointTip | undefined> {
  if ((await readManifest(streamDirectory))?.service !== service) return undefined;
  const last = await readLastRecord(streamDirectory);
  if (last === undefined) return undefined;
  const { stream, epoch, seq, hash } = last.integrity;
  return { stream_id: stream, epoch, sequence_number: seq, tip_hash: hash, entry_count: seq };
}
