/** Where journal and delivery touch the file system, read off the compiled code: a call that is added is one that must be disturbed. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../service.js';

export interface IoSite {
  /** `journal/lease.js:29 utimes`: folder, file, line and the function called. */
  readonly name: string;
  readonly method: string;
  /** `sync`: it cannot be late, only fail. */
  readonly kind: 'promise' | 'callback' | 'sync' | 'stream';
  /** Some of what it is given may be written and the rest not. */
  readonly writes: boolean;
}

const FOLDERS = ['delivery', 'journal'] as const;
/** `(0, promises_1.readdir)(…)`, `handle.sync()`, `this.#fs.writeSync(…)`. */
const CALL = /\(0, (?<module>promises_1|node_fs_1)\.(?<named>\w+)\)\(|\b(?:file|handle)\??\.(?<handled>\w+)\(|this\.#fs\.(?<own>\w+)\(/g;
const WRITING = new Set(['writeFile', 'appendFile', 'writeFileSync', 'writeSync', 'write', 'createWriteStream']);

export function listIoSites(): readonly IoSite[] {
  return FOLDERS.flatMap((folder) => {
    const directory = join(ROOT, 'dist/src', folder);
    return readdirSync(directory)
      .filter((name) => name.endsWith('.js'))
      .flatMap((name) => sitesIn(`${folder}/${name}`, readFileSync(join(directory, name), 'utf8')));
  });
}

function sitesIn(file: string, text: string): readonly IoSite[] {
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(CALL)].map(({ groups = {} }) => {
      const method = groups['named'] ?? groups['handled'] ?? groups['own'] ?? '';
      return {
        name: siteName(file, index + 1, method),
        method,
        kind: kindOf(method, groups['own'] !== undefined),
        writes: WRITING.has(method),
      };
    }),
  );
}

function kindOf(method: string, isOwn: boolean): IoSite['kind'] {
  if (method.endsWith('Sync')) return 'sync';
  if (method.endsWith('Stream')) return 'stream';
  return isOwn ? 'callback' : 'promise';
}

/** Of the code that is calling right now; undefined if that is neither journal nor delivery. */
export function callingSite(method: string): string | undefined {
  const stack = callSites();
  for (const site of stack) {
    const path = site.getFileName() ?? '';
    const folder = FOLDERS.find((name) => path.includes(`/dist/src/${name}/`));
    if (folder !== undefined) return siteName(`${folder}/${basename(path)}`, site.getLineNumber() ?? 0, method);
  }
  return undefined;
}

function siteName(file: string, line: number, method: string): string {
  return `${file}:${line} ${method}`;
}

// 6 frames: this one, the function put in the place of the real one, whoever it was made by, and the caller.
const FRAMES = 6;

function callSites(): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.prepareStackTrace = (_, sites) => sites;
  Error.stackTraceLimit = FRAMES;
  const { stack } = new Error();
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return Array.isArray(stack) ? (stack as unknown as readonly NodeJS.CallSite[]) : [];
}
