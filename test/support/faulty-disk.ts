/** A file system that does at each call what a list says, and knows what a power cut would leave of it. */

import * as fs from 'node:fs';
import type { JournalFs } from '../../src/journal/segment.js';

/** `crash`: the process is gone at this call, and nothing happens any more. `delay`: it takes some turns of the event loop. */
export type Fate = 'whole' | 'short' | 'error' | 'delay' | 'crash';

export interface FaultyDisk {
  readonly fs: JournalFs;
  readonly hasCrashed: () => boolean;
  /** The file's bytes that were synced. */
  syncedBytes(path: string): number;
  /** From now on every call does what it should. */
  heal(): void;
  /** Takes the descriptors back that a crashed process has left. */
  closeAll(): void;
}

export function createFaultyDisk(fates: readonly Fate[], codes: readonly string[]): FaultyDisk {
  const left = [...fates];
  const paths = new Map<number, string>();
  const synced = new Map<string, number>();
  /** What a sync that failed leaves: the kernel takes these bytes for written, and only writing them anew makes them dirty. */
  const doubtful = new Map<string, { from: number; readonly until: number }>();
  let crashed = false;
  let calls = 0;
  const refusal = (): Error => {
    const code = codes[calls % codes.length] ?? 'EIO';
    return Object.assign(new Error(code), { code });
  };
  const next = (): Fate => {
    calls += 1;
    if (crashed) return 'error';
    const fate = left.shift() ?? 'whole';
    crashed = fate === 'crash';
    return crashed ? 'error' : fate;
  };
  const shortened = (fate: Fate, length: number): number => (fate === 'short' ? Math.max(1, Math.floor(length / 3)) : length);
  /** Runs `work` now or some turns later; a process that is gone is never called back. */
  const later = (fate: Fate, work: () => void): void => {
    if (crashed) return;
    if (fate !== 'delay') return work();
    setTimeout(() => crashed || work(), 5);
  };
  const rewrote = (fd: number, position: number, length: number): void => {
    const range = doubtful.get(paths.get(fd) ?? '');
    if (range !== undefined && position <= range.from) range.from = Math.max(range.from, position + length);
  };
  const openSync = (path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode): number => {
    if (next() === 'error') throw refusal();
    const fd = fs.openSync(path, flags, mode);
    paths.set(fd, String(path));
    return fd;
  };
  const writeSync = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
    const fate = next();
    if (fate === 'error') throw refusal();
    const written = fs.writeSync(fd, bytes, offset, shortened(fate, length), position);
    rewrote(fd, position, written);
    return written;
  };
  type Written = (error: Error | null, written: number) => void;
  const write = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number, done: Written): void => {
    const fate = next();
    later(fate, () => {
      if (fate === 'error') return void setImmediate(done, refusal(), 0);
      fs.write(fd, bytes, offset, shortened(fate, length), position, (error, written) => {
        rewrote(fd, position, written);
        done(error, written);
      });
    });
  };
  const read = (fd: number, into: Buffer, offset: number, length: number, position: number, done: Written): void => {
    const fate = next();
    later(fate, () => {
      if (fate === 'error') return void setImmediate(done, refusal(), 0);
      fs.read(fd, into, offset, shortened(fate, length), position, done);
    });
  };
  const fdatasync = (fd: number, done: fs.NoParamCallback): void => {
    const fate = next();
    const { size } = fs.fstatSync(fd);
    const path = paths.get(fd) ?? '';
    later(fate, () => {
      if (fate === 'error') {
        doubtful.set(path, { from: synced.get(path) ?? 0, until: size });
        return void setImmediate(done, refusal());
      }
      const range = doubtful.get(path);
      synced.set(path, range !== undefined && range.from < range.until ? range.from : size);
      setImmediate(() => crashed || done(null));
    });
  };
  const statSync = (path: fs.PathLike): fs.Stats => {
    if (next() === 'error') throw refusal();
    return fs.statSync(path);
  };
  const close = (fd: number, done: fs.NoParamCallback): void => {
    if (crashed) return;
    paths.delete(fd);
    fs.close(fd, done);
  };
  return {
    fs: { ...fs, openSync, writeSync, write, read, fdatasync, statSync, close } as unknown as JournalFs,
    hasCrashed: () => crashed,
    syncedBytes: (path) => synced.get(path) ?? 0,
    heal() {
      left.length = 0;
    },
    closeAll() {
      for (const fd of paths.keys()) fs.closeSync(fd);
      paths.clear();
    },
  };
}
