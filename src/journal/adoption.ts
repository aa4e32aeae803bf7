/** Finding the streams of dead processes and taking them over, each by one process only. */

import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXTERNAL } from './destinations.js';
import { hasJournalKey } from './keyring.js';
import { isWriterBack, readLease, refreshLease, releaseLease, takeLease } from './lease.js';
import { readManifest, readStop, removeStop, type StreamManifest, writeStop } from './manifest.js';
import type { ProcessIdentity } from './process-identity.js';
import { isStreamName, REMOVED_PREFIX, removeStream } from './stream-directory.js';
import { lastSeqOf, readLastRecord } from './tail.js';

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
  /** Generations of our leases by stream, also where something failed after the lease was taken. */
  readonly #held = new Map<string, number>();
  /** Every exporter is done with these, and they could not be ended yet. */
  readonly #done = new Set<string>();
  /** Somebody else's, or complete: not looked at again. */
  readonly #settled = new Set<string>();

  constructor(options: AdopterOptions) {
    this.#options = options;
  }

  /** Streams that are newly ours. One that cannot be read is left for the next scan. */
  async scan(): Promise<readonly AdoptedStream[]> {
    for (const stream of this.#done) await this.#end(stream).catch(() => undefined);
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
      [...this.#held].map(([stream, generation]) => refreshLease(this.#directoryOf(stream), generation, now).catch(() => undefined)),
    );
  }

  /** Every exporter is done with the stream. Where that cannot be noted, the next scans try again. */
  async finish(stream: string): Promise<void> {
    await this.#end(stream).catch((error: unknown) => {
      this.#done.add(stream);
      throw error;
    });
  }

  /** Gives the unfinished ones back, so that the next process need not wait. */
  async release(): Promise<void> {
    await Promise.all([...this.#held].map(([stream, generation]) => releaseLease(this.#directoryOf(stream), generation)));
    this.#adopted.clear();
    this.#held.clear();
    this.#done.clear();
  }

  async #end(stream: string): Promise<void> {
    const adopted = this.#adopted.get(stream);
    if (adopted === undefined) return;
    const { directory, lastSeq, wasClean } = adopted;
    const { identity, nowMs } = this.#options;
    const generation = this.#held.get(stream);
    if (generation !== undefined && (await isWriterBack(directory, generation, identity, nowMs()))) await giveBack(directory, generation);
    else if (this.#options.keep && lastSeq > 0) {
      // It says more than we were told, who may not be the first to adopt it.
      const clean = (await readStop(directory))?.clean ?? wasClean;
      await writeStop(directory, { clean, lastSeq, complete: true });
    } else await removeStream(directory, lastSeq);
    this.#adopted.delete(stream);
    this.#held.delete(stream);
    this.#done.delete(stream);
  }

  async #adopt(stream: string): Promise<AdoptedStream | undefined> {
    const directory = this.#directoryOf(stream);
    const status = await lstat(directory);
    if (!status.isDirectory() || (process.getuid !== undefined && status.uid !== process.getuid())) return undefined;
    const theirs = await readManifest(directory);
    // Without a manifest it is just being made, or not a stream.
    if (theirs === undefined) return undefined;
    if (!this.#isOurs(theirs) || (await readStop(directory))?.complete === true) {
      this.#settled.add(stream);
      return undefined;
    }
    const generation = await this.#hold(stream, theirs);
    if (generation === undefined) return undefined;
    // Only now: its owner may have ended it in order between the first look and our lease.
    const stop = await readStop(directory);
    const last = await readLastRecord(directory);
    const lastSeq = lastSeqOf(last, stop);
    // One that only looked dead to whoever had adopted it, and was gone before it could give it back, may have gone on.
    const wasTold = stop !== undefined && (stop.clean || stop.lastSeq === lastSeq);
    // Written before it is told: another crash now must not report the same end twice.
    if (!wasTold) await writeStop(directory, { clean: false, lastSeq, complete: false });
    return { stream, directory, service: theirs.service, lastSeq, lastTime: last?.observedTime, wasClean: wasTold };
  }

  /** The generation of the lease we have taken, now or in an attempt that failed behind it; undefined if we cannot have it. */
  async #hold(stream: string, { keyId }: StreamManifest): Promise<number | undefined> {
    const { identity, nowMs, onNoKey } = this.#options;
    const directory = this.#directoryOf(stream);
    const lease = await readLease(directory, identity, nowMs());
    const held = this.#held.get(stream);
    if (held !== undefined && held === lease?.generation) return held;
    if (lease !== undefined && !lease.dead) return undefined;
    if (keyId !== undefined && !hasJournalKey(keyId)) {
      onNoKey?.(stream, keyId);
      return undefined;
    }
    const generation = (lease?.generation ?? 0) + 1;
    if (!(await takeLease(directory, generation, identity))) return undefined;
    this.#held.set(stream, generation);
    return generation;
  }

  #directoryOf(stream: string): string {
    return join(this.#options.directory, stream);
  }

  #isOurs({ service, destinations }: StreamManifest): boolean {
    const { manifest } = this.#options;
    if (manifest.servesAll === true && destinations === EXTERNAL) return true;
    return destinations === manifest.destinations && (manifest.servesAll === true || service === manifest.service);
  }
}

/** Its writer only looked dead, as one that was paused does: it has not ended, and somebody must find what it leaves when it does. */
async function giveBack(directory: string, generation: number): Promise<void> {
  if ((await readStop(directory))?.clean === false) await removeStop(directory);
  await releaseLease(directory, generation);
}
