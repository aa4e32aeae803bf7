/** Lets something happen at the next call of a function of `node:fs/promises` on certain paths. */

import type { TestContext } from 'node:test';

type Operation = (...args: readonly unknown[]) => Promise<unknown>;

/** `skip`: so many such calls go by first. `instead` may make the call itself. */
export function atNextCall(
  t: TestContext,
  method: 'lstat' | 'open' | 'readFile' | 'readdir' | 'rename' | 'unlink',
  path: RegExp,
  instead: (call: () => Promise<unknown>) => Promise<unknown>,
  skip = 0,
): void {
  // The compiled code reads the functions off this object at every call.
  const promises = require('node:fs/promises') as Record<string, Operation>;
  const original = promises[method] as Operation;
  let left = skip;
  const restore = (): void => {
    promises[method] = original;
  };
  promises[method] = (...args) => {
    const call = () => original(...args);
    if (!path.test(String(args[0]))) return call();
    left -= 1;
    if (left >= 0) return call();
    restore();
    return instead(call);
  };
  t.after(restore);
}

export function failNext(t: TestContext, method: Parameters<typeof atNextCall>[1], path: RegExp, code = 'EIO', skip = 0): void {
  atNextCall(t, method, path, () => Promise.reject(Object.assign(new Error(code), { code })), skip);
}
