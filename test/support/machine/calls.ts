/** Puts functions in the place of those of `node:fs`, for whatever a simulated process does. */

import * as fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { type Call, callBy, DELAY_MS, meet, meetLater, meetNow } from './fate.js';
import { failure, real, type SimulatedProcess } from './process.js';

// As it is before another is put in its place.
const { linkSync, mkdirSync, renameSync, rmSync, unlinkSync } = fs;
/** At once: somebody else may make a name anew, or look for it, before this one is told. */
const AT_ONCE: Operations = { link: linkSync, mkdir: mkdirSync, rename: renameSync, rm: rmSync, unlink: unlinkSync } as Operations;

type Arguments = readonly unknown[];
type Operation = (...args: Arguments) => unknown;
type Operations = Record<string, Operation>;

const PROMISED = [
  'appendFile',
  'link',
  'lstat',
  'mkdir',
  'open',
  'readFile',
  'readdir',
  'rename',
  'rm',
  'stat',
  'unlink',
  'utimes',
  'writeFile',
];
const HANDLED = ['close', 'datasync', 'read', 'stat', 'sync', 'writeFile'] as const;
const CALLED_BACK = ['close', 'fdatasync', 'read', 'write'] as const;
const SYNCHRONOUS = [
  'existsSync',
  'fstatSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readFileSync',
  'readSync',
  'readlinkSync',
  'renameSync',
  'statSync',
  'writeFileSync',
  'writeSync',
];

export function installCalls(): void {
  // The compiled code reads the functions off these objects at every call.
  const promises = require('node:fs/promises') as Operations;
  const sync = require('node:fs') as Operations;
  for (const name of PROMISED) promises[name] = promised(name, promises[name] as Operation);
  for (const name of SYNCHRONOUS) sync[name] = synchronous(name, sync[name] as Operation);
  for (const name of CALLED_BACK) sync[name] = calledBack(name, sync[name] as Operation);
  for (const name of ['createReadStream', 'createWriteStream']) sync[name] = streamed(name, sync[name] as Operation);
}

function promised(method: string, original: Operation): Operation {
  const appendFile = fs.promises.appendFile;
  return (...args) => {
    const call = callBy(method);
    if (call === undefined) return original(...args);
    const { disk } = call.by.machine;
    const [path, content] = args as [string, string | Uint8Array];
    const whole = async (): Promise<unknown> => {
      const done = disk.about(method, args);
      const result = await (AT_ONCE[method] ?? original)(...args);
      done();
      disk.did(method, args, result, call.by.machine.offsetMs);
      if (method === 'stat') return disk.withTimes(path, result as fs.Stats);
      return method === 'open' ? handled(result as FileHandle, path, call.by) : result;
    };
    const part = async (): Promise<undefined> => {
      const done = disk.about(method, args);
      if (method === 'writeFile') disk.empty(path);
      await appendFile(path, half(content));
      done();
    };
    return meetLater(call, { whole, part: ['writeFile', 'appendFile'].includes(method) ? part : whole });
  };
}

function handled(handle: FileHandle, path: string, by: SimulatedProcess): FileHandle {
  const { disk } = by.machine;
  disk.opened(handle);
  const target = handle as unknown as Operations;
  for (const method of HANDLED) {
    const original = (target[method] as Operation).bind(handle);
    target[method] = (...args) => {
      const call = callBy(method);
      if (call === undefined) return original(...args);
      const whole = async (): Promise<unknown> => {
        const { mark } = disk;
        const result = await original(...args);
        if (method === 'sync' || method === 'datasync') disk.synced(path, mark);
        return result;
      };
      const part = async (): Promise<unknown> => await original(half(args[0] as string));
      return meetLater(call, method === 'writeFile' ? { whole, part } : { whole });
    };
  }
  return handle;
}

function synchronous(method: string, original: Operation): Operation {
  return (...args) => {
    const call = callBy(method);
    if (call === undefined) return original(...args);
    const { disk } = call.by.machine;
    const told = toldOf(String(args[0]), call.by, method);
    const whole = (): unknown => {
      if (told !== undefined) return told;
      const done = disk.about(method, args);
      const result = original(...args);
      done();
      disk.did(method, args, result, call.by.machine.offsetMs);
      return result;
    };
    // It has no other way to say that it could not look.
    if (method === 'existsSync') return existsOrNot(call, whole);
    const part = (): unknown => {
      const [first, second, offset, length, position] = args as [unknown, string | Uint8Array, number, number, number];
      if (method === 'writeSync') return original(first, second, offset, Math.max(1, Math.floor(length / 3)), position);
      const done = disk.about(method, args);
      original(first, half(second), args[2]);
      return done();
    };
    return meetNow(call, ['writeSync', 'writeFileSync'].includes(method) ? { whole, part } : { whole });
  };
}

function existsOrNot(call: Call, whole: () => unknown): unknown {
  try {
    return meetNow(call, { whole });
  } catch (error) {
    if (call.by.isDead) throw error;
    return false;
  }
}

/** What /proc says of the simulated ones. */
function toldOf(path: string, by: SimulatedProcess, method: string): string | undefined {
  if (path === '/proc/sys/kernel/random/boot_id') return `boot-of-host-${by.host}\n`;
  if (method === 'readlinkSync') return 'pid:[1]';
  const pid = /^\/proc\/(\d+)\/stat$/.exec(path)?.[1];
  if (pid === undefined) return undefined;
  const startTime = by.machine.processAt(Number(pid), by.host)?.startTime;
  if (startTime === undefined) throw failure('ENOENT');
  return `${pid} (simulated (one)) S ${'0 '.repeat(18)}${startTime} 0`;
}

function calledBack(method: string, original: Operation): Operation {
  return (...args) => {
    const call = callBy(method);
    if (call === undefined) return original(...args);
    const done = args.at(-1) as (error: Error | null, ...results: unknown[]) => void;
    const given = args.slice(0, -1);
    const { disk } = call.by.machine;
    const run = (withArgs: Arguments): Promise<unknown> =>
      new Promise((resolve, reject) => {
        original(...withArgs, (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result)));
      });
    const whole = async (): Promise<unknown> => {
      // What is written while it runs is not in it.
      const size = method === 'fdatasync' ? disk.sizeOf(Number(given[0])) : 0;
      const result = await run(given);
      if (method === 'fdatasync') disk.syncedUpTo(Number(given[0]), size);
      if (method === 'close') disk.closed(Number(given[0]));
      return result;
    };
    const [fd, bytes, offset, length, position] = given as [number, Uint8Array, number, number, number];
    const part = (): Promise<unknown> => run([fd, bytes, offset, Math.max(1, Math.floor(length / 3)), position]);
    void meetLater(call, method === 'write' ? { whole, part } : { whole }).then(
      (result) => done(null, result),
      (error: unknown) => done(error as Error),
    );
    return undefined;
  };
}

function streamed(method: string, original: Operation): Operation {
  return (...args) => {
    const call = callBy(method);
    if (call === undefined) return original(...args);
    const { by } = call;
    const fate = meet(call);
    if (fate === 'crash') by.machine.kill(by);
    const done = by.machine.disk.about(method === 'createWriteStream' ? 'open' : method, args);
    const stream = original(...args) as fs.WriteStream;
    stream.once('open', done);
    if (fate === undefined) return stream;
    if (fate === 'delay') stream.cork?.();
    const end = (): void => {
      if (fate === 'delay') {
        stream.uncork?.();
        return;
      }
      if (fate.startsWith('crash') || fate === 'torn') by.machine.kill(by);
      // Of a process that is gone nobody reads on.
      if (by.isDead) stream.removeAllListeners().on('error', () => undefined);
      stream.destroy(by.isDead ? undefined : failure(fate === 'short' ? 'ENOSPC' : fate));
    };
    if (fate === 'short' || fate === 'torn') stream.write?.('half');
    stream.once('open', () => real.setTimeout(end, fate === 'delay' ? DELAY_MS : 0));
    return stream;
  };
}

function half(content: string | Uint8Array): string | Uint8Array {
  return content.slice(0, content.length >> 1);
}
