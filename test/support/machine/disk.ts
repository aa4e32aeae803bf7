/** What a machine's disk holds beyond what its files show: what of them a power cut would leave, and their times by a clock that jumps. */

import * as fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Entries } from './entries.js';

// As they are before a machine puts its own in their place.
const { closeSync, fstatSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } = fs;

export class Disk {
  readonly directory: string;
  /** What was synced, by path. */
  readonly #synced = new Map<string, Buffer>();
  readonly #entries = new Entries((path) => this.#synced.get(path));
  /** By how much the clock was ahead of the real one when the file was made, or the time it was given (ms). */
  readonly #times = new Map<string, { readonly offsetMs: number } | { readonly atMs: number }>();
  readonly #descriptors = new Map<number, string>();
  readonly #handles: FileHandle[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** To be called before a call; answers what is to be called when it has succeeded. */
  about(method: string, args: readonly unknown[]): () => void {
    return this.#entries.about(method, args);
  }

  /** Takes note of a call that has succeeded. */
  did(method: string, args: readonly unknown[], result: unknown, offsetMs: number): void {
    const [from, to, time] = args;
    if (method === 'openSync') this.#descriptors.set(Number(result), String(from));
    if (method === 'rename' || method === 'renameSync') this.#moved(String(from), String(to));
    if (method === 'unlink') this.#synced.delete(String(from));
    if (method === 'utimes') this.#times.set(String(from), { atMs: time instanceof Date ? time.getTime() : Number(time) * 1000 });
    else if (method === 'link') this.#times.set(String(to), { offsetMs });
    else if (['openSync', 'writeFileSync', 'writeFile'].includes(method)) this.#times.set(String(from), { offsetMs });
  }

  /** The times as the machine's clock had them. */
  withTimes(path: string, stats: fs.Stats): fs.Stats {
    const known = this.#times.get(path);
    if (known === undefined) return stats;
    const mtimeMs = 'atMs' in known ? known.atMs : stats.mtimeMs + known.offsetMs;
    return Object.create(stats, { mtimeMs: { value: mtimeMs }, mtime: { value: new Date(mtimeMs) } }) as fs.Stats;
  }

  /** Which names there were when a sync began. */
  get mark(): number {
    return this.#entries.mark;
  }

  synced(path: string, mark = 0): void {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === true) this.#synced.set(path, readFileSync(path));
    if (found?.isDirectory() === true) this.#entries.synced(path, mark);
  }

  sizeOf(descriptor: number): number {
    return fstatSync(descriptor).size;
  }

  syncedUpTo(descriptor: number, size: number): void {
    const path = this.#descriptors.get(descriptor) ?? '';
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) this.#synced.set(path, readFileSync(path).subarray(0, size));
  }

  opened(handle: FileHandle): void {
    this.#handles.push(handle);
  }

  closed(descriptor: number): void {
    this.#descriptors.delete(descriptor);
  }

  empty(path: string): void {
    writeFileSync(path, '', { mode: 0o600 });
  }

  /** What was not synced is there, or in part, or not. */
  cutPower(random: () => number): void {
    this.#entries.cutPower(random, {
      moved: (from, to) => this.#moved(from, to),
      back: (path, synced) => this.#set(path, synced),
    });
    for (const path of filesBelow(this.directory)) {
      const content = readFileSync(path);
      const left = this.#synced.get(path) ?? Buffer.alloc(0);
      if (content.equals(left)) continue;
      if (/\.(?:jsonl|ndjson|txt)$/.test(path)) {
        const unsynced = Math.max(0, content.length - left.length);
        truncateSync(path, content.length - Math.ceil(unsynced * random()));
      } else if (random() < 0.5) writeFileSync(path, left);
    }
    for (const path of filesBelow(this.directory)) this.synced(path);
  }

  /** Closes what processes that were killed have left open. */
  async closeAll(): Promise<void> {
    for (const descriptor of this.#descriptors.keys()) closeSync(descriptor);
    this.#descriptors.clear();
    for (const handle of this.#handles) if (handle.fd !== -1) await handle.close();
  }

  #set(path: string, synced: Buffer | undefined): void {
    if (synced === undefined) this.#synced.delete(path);
    else this.#synced.set(path, synced);
  }

  #moved(from: string, to: string): void {
    this.#entries.moved(from, to);
    // What it is moved over is not what is read under the name.
    this.#synced.delete(to);
    for (const map of [this.#synced, this.#times] as Map<string, never>[]) {
      for (const [path, value] of [...map]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        map.delete(path);
        map.set(to + path.slice(from.length), value);
      }
    }
  }
}

export function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
