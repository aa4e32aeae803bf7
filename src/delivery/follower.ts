/** Finds the streams that living processes leave to others to deliver. Takes no lease: the stream stays its writer's. */

import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EXTERNAL } from '../journal/destinations.js';
import { segmentPath } from '../journal/layout.js';
import { readLease } from '../journal/lease.js';
import { readManifest, readStop } from '../journal/manifest.js';
import type { ProcessIdentity } from '../journal/process-identity.js';
import { listSegments } from '../journal/reader.js';
import { isStreamName } from '../journal/stream-directory.js';
import { readLastRecord } from '../journal/tail.js';

export interface FollowedStream {
  readonly stream: string;
  readonly directory: string;
  /** As of the last scan. */
  readonly lastSeq: number;
}

export class Follower {
  readonly #directory: string;
  readonly #identity: ProcessIdentity;
  readonly #followed = new Map<string, FollowedStream>();
  /** Not left to others, or complete. */
  readonly #foreign = new Set<string>();

  constructor(directory: string, identity: ProcessIdentity) {
    this.#directory = directory;
    this.#identity = identity;
  }

  get streams(): ReadonlyMap<string, FollowedStream> {
    return this.#followed;
  }

  /** The streams that are new. Those in `adopted` live by our own lease. */
  async scan(adopted: ReadonlyMap<string, unknown>): Promise<readonly FollowedStream[]> {
    const found: FollowedStream[] = [];
    for (const stream of await readdir(this.#directory).catch(() => [] as string[])) {
      if (!isStreamName(stream) || this.#foreign.has(stream) || adopted.has(stream)) continue;
      const followed = await this.#look(stream).catch(() => undefined);
      if (followed === undefined) continue;
      if (!this.#followed.has(stream)) found.push(followed);
      this.#followed.set(stream, followed);
    }
    return found;
  }

  /** It was taken over, or is gone. */
  forget(stream: string): boolean {
    return this.#followed.delete(stream);
  }

  /** Deletes the segments before `segment`; its writer notices. */
  async trim(stream: string, segment: number): Promise<void> {
    const directory = join(this.#directory, stream);
    // The last one is being written.
    const closed = (await listSegments(directory)).slice(0, -1).filter((number) => number < segment);
    await Promise.all(closed.map((number) => unlink(segmentPath(directory, number)).catch(() => undefined)));
  }

  async #look(stream: string): Promise<FollowedStream | undefined> {
    const directory = join(this.#directory, stream);
    const known = this.#followed.get(stream);
    if (known === undefined && !(await this.#isLeftToOthers(stream, directory))) return undefined;
    const lastSeq = (await readLastRecord(directory))?.integrity.seq ?? known?.lastSeq ?? 0;
    return { stream, directory, lastSeq };
  }

  async #isLeftToOthers(stream: string, directory: string): Promise<boolean> {
    const manifest = await readManifest(directory);
    if (manifest === undefined) return false;
    if (manifest.destinations !== EXTERNAL || (await readStop(directory))?.complete === true) {
      this.#foreign.add(stream);
      return false;
    }
    const lease = await readLease(directory, this.#identity, Date.now());
    // A dead one is taken over instead.
    return lease !== undefined && !lease.dead;
  }
}
