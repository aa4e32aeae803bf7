/** Finding the streams of dead processes and taking them over, each by one process only. */

import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXTERNAL } from './destinations.js';
import { hasJournalKey } from './keyring.js';
import { readLease, refreshLease, releaseLease, takeLease } from './lease.js';
import { readManifest, readStop, type StreamManifest, writeStop } from './manifest.js';
import type { ProcessIdentity } from './process-identity.js';
import { isStreamName, REMOVED_PREFIX, removeStream } from './stream-directory.js';
import { readLastRecord } from './tail.js';

export interface AdoptedStream {
  readonly stream: string;
  readonly directory: string;
  /** Whose records they are. */
  readonly service: string;
  readonly lastSeq: number;
  /** When the last record was recorded; undefined if there is none. */
  readonly lastTime?: string | undefined;
  /** False: its process ended without closing it, so records may be missing behind `lastSeq`. Said to one adopter only. */
  readonly wasClean: boolean;
  /** Of our lease. */
  readonly generation: number;
}

export interface AdopterOptions {
  /** The directory that holds the streams. */
  readonly directory: string;
  readonly ownStream: string;
  /** With `servesAll`: any service's streams with these destinations, and those that are left to others. */
  readonly manifest: StreamManifest;
  readonly identity: ProcessIdentity;
  readonly keep: boolean;
  /** A stream that cannot be adopted, as this process does not have the key that it was encrypted with. Told at every scan. */
  readonly onNoKey?: ((stream: string, keyId: string) => void) | undefined;
  readonly nowMs: () => number;
}

export class Adopter {
  readonly #options: AdopterOptions;
  readonly #adopted = new Map<string, AdoptedStream>();
  /** Somebody else's, or complete: not looked at again. */
  readonly #settled = new Set<string>();

  constructor(options: AdopterOptions) {
    this.#options = options;
  }

  /** Streams that are newly ours. One that cannot be read is left for the next scan. */
  async scan(): Promise<readonly AdoptedStream[]> {
    const adopted: AdoptedStream[] = [];
    for (const stream of await readdir(this.#options.directory).catch(() => [] as string[])) {
      // Left by a process that ended while it removed it.
      if (stream.startsWith(REMOVED_PREFIX)) {
        await rm(join(this.#options.directory, stream), { recursive: true, force: true }).catch(() => undefined);
      }
      if (!isStreamName(stream) || stream === this.#options.ownStream || this.#settled.has(stream) || this.#adopted.has(stream)) continue;
      const taken = await this.#adopt(stream).catch(() => undefined);
      if (taken === undefined) continue;
      this.#adopted.set(stream, taken);
      adopted.push(taken);
    }
    return adopted;
  }

  /** Tells other processes that the adopted streams are still being worked on. */
  async refresh(): Promise<void> {
    const now = this.#options.nowMs();
    await Promise.all(
      [...this.#adopted.values()].map(({ directory, generation }) => refreshLease(directory, generation, now).catch(() => undefined)),
    );
  }

  /** Every exporter is done with the stream. */
  async finish(stream: string): Promise<void> {
    const adopted = this.#adopted.get(stream);
    if (adopted === undefined) return;
    const { directory, lastSeq, wasClean } = adopted;
    if (this.#options.keep && lastSeq > 0) await writeStop(directory, { clean: wasClean, lastSeq, complete: true });
    else await removeStream(directory, lastSeq);
    this.#adopted.delete(stream);
    this.#settled.add(stream);
  }

  /** Gives the unfinished ones back, so that the next process need not wait. */
  async release(): Promise<void> {
    await Promise.all([...this.#adopted.values()].map(({ directory, generation }) => releaseLease(directory, generation)));
    this.#adopted.clear();
  }

  async #adopt(stream: string): Promise<AdoptedStream | undefined> {
    const { directory: root, identity, nowMs } = this.#options;
    const directory = join(root, stream);
    const status = await lstat(directory);
    if (!status.isDirectory() || (process.getuid !== undefined && status.uid !== process.getuid())) return undefined;
    const theirs = await readManifest(directory);
    // Without a manifest it is just being made, or not a stream.
    if (theirs === undefined) return undefined;
    const stop = await readStop(directory);
    if (!this.#isOurs(theirs) || stop?.complete === true) {
      this.#settled.add(stream);
      return undefined;
    }
    const lease = await readLease(directory, identity, nowMs());
    if (lease !== undefined && !lease.dead) return undefined;
    if (theirs.keyId !== undefined && !hasJournalKey(theirs.keyId)) {
      this.#options.onNoKey?.(stream, theirs.keyId);
      return undefined;
    }
    const generation = (lease?.generation ?? 0) + 1;
    if (!(await takeLease(directory, generation, identity))) return undefined;
    const last = await readLastRecord(directory);
    const lastSeq = last?.integrity.seq ?? 0;
    // Written before it is told: another crash now must not report the same end twice.
    if (stop === undefined) await writeStop(directory, { clean: false, lastSeq, complete: false });
    return { stream, directory, service: theirs.service, lastSeq, lastTime: last?.observedTime, wasClean: stop !== undefined, generation };
  }

  #isOurs({ service, destinations }: StreamManifest): boolean {
    const { manifest } = this.#options;
    if (manifest.servesAll === true && destinations === EXTERNAL) return true;
    return destinations === manifest.destinations && (manifest.servesAll === true || service === manifest.service);
  }
}
