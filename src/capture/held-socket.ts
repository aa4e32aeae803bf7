/** A connection with responses that are held or requests that wait for their handler: whoever ends it must not cut what would have been sent. */

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { define } from './wrap.js';

interface Held {
  readonly releases: Set<() => void>;
  /** Requests whose handlers have not been called yet. */
  waiting: number;
  readonly deferred: (() => void)[];
}

/** The member by which Node itself tells the response that is being sent from those that wait for their turn. */
type Connection = Socket & { readonly _httpMessage?: ServerResponse | null };

const heldOf = new WeakMap<Socket, Held>();
const queues = new WeakMap<Socket, readonly ServerResponse[]>();

/** Call for every response of a connection, held or not, in the order of their requests: only the first of them is being sent. */
export function queueResponse(socket: Connection, response: ServerResponse): void {
  queues.set(socket, [...queueOf(socket), response]);
}

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
    // Before the release, with which the first may be finished and the next have no turn yet.
    const last = name === 'end' ? lastBeforeEnd(socket) : undefined;
    // What breaks by itself has nobody left to send to.
    if ((args[0] as NodeJS.ErrnoException | undefined)?.syscall === undefined) for (const release of [...held.releases]) release();
    if (last === undefined) return Reflect.apply(original, this, args);
    last.once('close', () => Reflect.apply(original, this, args));
    return this;
  };
  define(socket, name, value);
}

/**
 * Of pipelined responses only the first leaves when it is released; those behind it have their turn later, but would have had it by
 * now. That is what comes after the last of those that the service has completed. Undefined: no other waits for its turn.
 */
function lastBeforeEnd(socket: Socket): ServerResponse | undefined {
  const queue = queueOf(socket);
  const open = queue.findIndex(({ writableEnded, destroyed }) => !writableEnded || destroyed);
  return queue.length > 1 ? queue.slice(0, open === -1 ? undefined : open).at(-1) : undefined;
}

/** From the response that is being sent on. */
function queueOf(socket: Connection): readonly ServerResponse[] {
  const queue = queues.get(socket) ?? [];
  const turn = socket._httpMessage ? queue.indexOf(socket._httpMessage) : -1;
  return turn === -1 ? [] : queue.slice(turn);
}
