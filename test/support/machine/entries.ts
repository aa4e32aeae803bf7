/** The names on a machine's disk that a power cut may still undo: of what was made, renamed and deleted since their directory was synced. */

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';

// As they are before a machine puts its own in their place.
const { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = fs;

/** A file as it was, and what of it was synced; `text` undefined: a directory. */
export interface Remains {
  readonly text: Buffer | undefined;
  readonly synced: Buffer | undefined;
}

interface Change {
  readonly nth: number;
  readonly kind: 'made' | 'moved' | 'gone';
  path: string;
  /** Its name before it was moved. */
  readonly from: string | undefined;
  /** What was there before: what is gone, or what another was moved over. */
  readonly remains: Remains | undefined;
}

/** What is to be told of what a power cut has undone. */
export interface Undone {
  moved(from: string, to: string): void;
  back(path: string, synced: Buffer | undefined): void;
}

export class Entries {
  readonly #syncedOf: (path: string) => Buffer | undefined;
  /** In the order in which they happened, as a file system with a journal keeps it. */
  #changes: Change[] = [];
  #count = 0;

  constructor(syncedOf: (path: string) => Buffer | undefined) {
    this.#syncedOf = syncedOf;
  }

  /** To be called before a call: answers what is to be called when it has succeeded. */
  about(method: string, args: readonly unknown[]): () => void {
    const [path, to] = args.map(String) as [string, string];
    if (/^(?:open|openSync|writeFile|writeFileSync|appendFile|mkdir|mkdirSync)$/.test(method)) return this.#aboutToMake(path);
    if (method === 'link') return this.#aboutToMake(to);
    if (method === 'rename' || method === 'renameSync') {
      const remains = this.#remainsOf(to);
      return () => this.#note('moved', to, remains, basename(path));
    }
    if (method !== 'unlink' && method !== 'rm') return () => undefined;
    const below = existsSync(path) && statSync(path).isDirectory() ? allBelow(path) : [];
    const gone = [...below, path].map((each) => [each, this.#remainsOf(each)] as const);
    return () => {
      for (const [each, remains] of gone) if (remains !== undefined) this.#note('gone', each, remains);
    };
  }

  /** Which changes there are so far. */
  get mark(): number {
    return this.#count;
  }

  /** A sync that began at `mark` has those of this directory on the disk. */
  synced(directory: string, mark: number): void {
    this.#changes = this.#changes.filter(({ path, nth }) => dirname(path) !== directory || nth > mark);
  }

  /** What lies in a directory goes where the directory goes. */
  moved(from: string, to: string): void {
    for (const change of this.#changes) if (change.path.startsWith(`${from}/`)) change.path = to + change.path.slice(from.length);
  }

  /** Some of the last changes never happened. */
  cutPower(random: () => number, told: Undone): void {
    // None of them as often as some.
    const left = Math.round(this.#changes.length * Math.max(0, 2 * random() - 1));
    for (const change of this.#changes.slice(left).reverse()) {
      const { kind, path, from, remains } = change;
      if (kind === 'made') rmSync(path, { recursive: true, force: true });
      if (from !== undefined && existsSync(path)) {
        const before = join(dirname(path), from);
        renameSync(path, before);
        told.moved(path, before);
      }
      if (remains === undefined) continue;
      if (remains.text === undefined) mkdirSync(path, { recursive: true, mode: 0o700 });
      else if (existsSync(dirname(path))) {
        writeFileSync(path, remains.text, { mode: 0o600 });
        told.back(path, remains.synced);
      }
    }
    this.#changes = [];
  }

  #aboutToMake(path: string): () => void {
    const isNew = !existsSync(path);
    return () => {
      if (isNew) this.#note('made', path);
    };
  }

  #note(kind: Change['kind'], path: string, remains?: Remains, from?: string): void {
    this.#count += 1;
    this.#changes.push({ nth: this.#count, kind, path, from, remains });
  }

  #remainsOf(path: string): Remains | undefined {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    return found.isDirectory() ? { text: undefined, synced: undefined } : { text: readFileSync(path), synced: this.#syncedOf(path) };
  }
}

/** Each before the directory that it lies in. */
function allBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [...allBelow(path), path] : [path];
  });
}
