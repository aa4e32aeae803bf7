/** A connection with responses that are held or requests that wait for their handler: whoever ends it must not cut what would have been sent. */

import type { Socket } from 'node:net';

interface Held {
  readonly releases: Set<() => void>;
  /** Requests whose handlers have not been called yet. */
  waiting: number;
  readonly deferred: (() => void)[];
}

const heldOf = new WeakMap<Socket, Held>();

/**
 * `release` is called before the connection is ended or destroyed: without the hold its bytes would have left before.
 * Answers how to call that off.
 */
export function releaseBeforeEnd(socket: Socket, release: () => void): () => void {
  const { releases } = follow(socket);
  releases.add(release);
  return () => releases.delete(release);
}

/**
 * Puts off the connection's end (a client that closes its side has Node end ours) until the function it answers is called: a handler
 * that runs late must find what it would have found.
 */
export function deferEnd(socket: Socket): () => void {
  const held = follow(socket);
  held.waiting += 1;
  return () => {
    held.waiting -= 1;
    if (held.waiting > 0) return;
    for (const end of held.deferred.splice(0)) end();
  };
}

function follow(socket: Socket): Held {
  const known = heldOf.get(socket);
  if (known !== undefined) return known;
  const held: Held = { releases: new Set(), waiting: 0, deferred: [] };
  heldOf.set(socket, held);
  wrapEnding(socket, 'end', held);
  wrapEnding(socket, 'destroy', held);
  return held;
}

function wrapEnding(socket: Socket, name: 'end' | 'destroy', held: Held): void {
  const original = socket[name] as (...args: readonly unknown[]) => unknown;
  const value = function endAfterHeld(this: Socket, ...args: readonly unknown[]): unknown {
    if (held.waiting > 0) {
      held.deferred.push(() => Reflect.apply(value, this, args));
      return this;
    }
    // What breaks by itself has nobody left to send to.
    if ((args[0] as NodeJS.ErrnoException | undefined)?.syscall === undefined) for (const release of [...held.releases]) release();
    return Reflect.apply(original, this, args);
  };
  Object.defineProperty(socket, name, { value, configurable: true, enumerable: false, writable: true });
}
