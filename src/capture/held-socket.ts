/** A connection with responses that are held or requests that wait for their handler: whoever ends it must not cut what would have been sent. */

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Held {
  readonly releases: Set<() => void>;
  /** Those that are or were held, in the order of their requests. */
  responses: readonly ServerResponse[];
  /** Requests whose handlers have not been called yet. */
  waiting: number;
  readonly deferred: (() => void)[];
}

const heldOf = new WeakMap<Socket, Held>();

/**
 * `release` is called before the connection is ended or destroyed: without the hold its bytes would have left before.
 * Answers how to call that off.
 */
export function releaseBeforeEnd(socket: Socket, response: ServerResponse, release: () => void): () => void {
  const held = follow(socket);
  held.releases.add(release);
  held.responses = [...held.responses.filter(isUnsent), response];
  return () => held.releases.delete(release);
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
  const held: Held = { releases: new Set(), responses: [], waiting: 0, deferred: [] };
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
    const last = lastInTurn(held);
    if (name === 'destroy' || last === undefined) return Reflect.apply(original, this, args);
    last.once('close', () => Reflect.apply(original, this, args));
    return this;
  };
  Object.defineProperty(socket, name, { value, configurable: true, enumerable: false, writable: true });
}

/**
 * Of pipelined responses only the first leaves when it is released; those behind it have their turn later, but would have had it by
 * now. Undefined: there is none that the service has completed.
 */
function lastInTurn({ responses }: Held): ServerResponse | undefined {
  const unsent = responses.filter(isUnsent);
  const open = unsent.findIndex((response) => !response.writableEnded);
  return unsent.slice(1, open === -1 ? undefined : open).at(-1);
}

function isUnsent(response: ServerResponse): boolean {
  return !response.writableFinished && !response.destroyed;
}
