/** Makes the file operations of delivery fail, come short or hang, by their number. For test processes of their own: it patches `node:fs/promises`. */

import * as promises from 'node:fs/promises';

/** `short`: half of what was to be written is written, then the disk is full. */
export type FileFault = 'EIO' | 'ENOSPC' | 'short' | 'late';

export interface FaultyFiles {
  /** By the number of the operation below the directory, from 0; each happens once. */
  plan: Map<number, FileFault>;
  /** Operations so far. */
  count: number;
  /** Also closes what a process that was killed has left open. */
  restore(): void;
}

const PATCHED = ['open', 'rename', 'writeFile', 'readdir', 'stat', 'unlink', 'link', 'appendFile', 'readFile'] as const;
const HANDLE_PATCHED = ['read', 'writeFile', 'datasync', 'sync', 'stat'] as const;
type Operation = (...args: never[]) => Promise<unknown>;

/**
 * Only operations on paths below `directory` count. Those of whoever `isDead` never settle, as nothing does in a process
 * that was killed.
 */
export function breakFiles(directory: string, isDead: () => boolean): FaultyFiles {
  // The compiled code reads the functions off this object at every call.
  const target = require('node:fs/promises') as Record<string, Operation>;
  const originals = new Map<string, Operation>();
  const opened: promises.FileHandle[] = [];
  const faulty: FaultyFiles = {
    plan: new Map(),
    count: 0,
    restore() {
      for (const [name, original] of originals) target[name] = original;
      for (const handle of opened) if (handle.fd !== -1) void handle.close();
    },
  };
  const meet = async (args: readonly unknown[], path: string, run: () => Promise<unknown>): Promise<unknown> => {
    if (isDead()) return new Promise(() => undefined);
    const fault = faulty.plan.get(faulty.count);
    faulty.plan.delete(faulty.count);
    faulty.count += 1;
    switch (fault) {
      case undefined:
        return run();
      case 'late':
        await new Promise((resolve) => setTimeout(resolve, 5));
        return run();
      case 'short': {
        const text = args.find((arg): arg is string => typeof arg === 'string' && arg !== path);
        if (text !== undefined) await shorten(path, text);
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      }
      default:
        throw Object.assign(new Error(fault), { code: fault });
    }
  };
  const append = promises.appendFile;
  const shorten = (path: string, text: string): Promise<void> => append(path, text.slice(0, text.length >> 1));
  for (const name of PATCHED) {
    const original = target[name];
    if (original === undefined) continue;
    originals.set(name, original);
    target[name] = async (...args: never[]) => {
      const path = String(args[0]);
      if (!path.startsWith(directory)) return original(...args);
      const result = await meet(args, path, () => original(...args));
      if (name !== 'open') return result;
      opened.push(result as promises.FileHandle);
      patchHandle(result as Record<string, Operation>, path, meet);
      return result;
    };
  }
  return faulty;
}

type Meet = (args: readonly unknown[], path: string, run: () => Promise<unknown>) => Promise<unknown>;

function patchHandle(handle: Record<string, Operation>, path: string, meet: Meet): void {
  for (const name of HANDLE_PATCHED) {
    const original = handle[name]?.bind(handle);
    if (original !== undefined) handle[name] = (...args: never[]) => meet(args, path, () => original(...args));
  }
}
