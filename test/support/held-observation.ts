/** What an observation is worth where the response waits for its record: all of it, but not when each thing came. */

import http2 from 'node:http2';
import { isDeepStrictEqual } from 'node:util';
import type { Observation } from './differential-client.js';

export function isSameHeld(plain: readonly Observation[], held: readonly Observation[]): boolean {
  return (
    plain.length === held.length && plain.every((one, index) => isSameResponse(withoutForgetting(one, held[index]), held[index] ?? one))
  );
}

/** Node 20's client sometimes forgets the end of a stream that its server closes unread, and that of the held one it may have seen. */
function withoutForgetting(plain: Observation, held: Observation | undefined): Observation {
  const isForgotten = held?.received !== undefined && !OPEN.test(held.received);
  return isForgotten ? { ...plain, received: plain.received?.replace(OPEN, '') } : plain;
}

/** Undefined bytes: how much came over was chance. */
function isSameResponse(left: Observation, right: Observation): boolean {
  const isChance = [left, right].some(({ received }) => received === undefined || CALM.test(received));
  return isDeepStrictEqual(withoutTiming(left, isChance), withoutTiming(right, isChance));
}

/**
 * The events of request and response, each in their own order: those of a held response come later, and how far the request's own
 * bytes have come by then differs. A held write is taken at once, so it neither answers false nor is followed by a drain.
 */
function withoutTiming(observation: Observation, isChance: boolean): Observation {
  const isBroken = BROKEN.test(observation.received ?? '');
  // A held write of a stream that breaks is over by then.
  const chance = isBroken ? / finished=.*/ : / complete=\w+$/;
  const events = observation.events
    .filter((event) => !/ (?:response drain|request pause|request resume)$/.test(event))
    .map((event) =>
      event
        .replace(/^write \w+$/, 'write')
        .replace(/(?<=^read 0) trailers .*/, '')
        .replace(chance, ''),
    );
  const isPipelined = events.filter((event) => event.startsWith('handler ')).length > 1;
  // Node puts the header of a response that waits for its turn before the 1xx that it has been given; a held one gets it in order.
  // How much of a stream comes before it breaks is for the window that it shares with others.
  const bytes = observation.received?.replace(isPipelined ? INFORMATIONAL : isBroken ? AMOUNT : '', '');
  const received = isChance ? undefined : bytes;
  // Where somebody cuts the connection, what the parser makes of the rest is a matter of time too.
  const rejected = isChance ? [] : observation.rejected;
  // And whether the response was over by then, when it had to wait for its record.
  if (isChance) return { received, rejected, events: events.filter((event) => event.startsWith('handler ')) };
  if (isPipelined) return { received, rejected, events: unordered(events) };
  return { received, rejected, events: [...events].sort((left, right) => partOf(left) - partOf(right)) };
}

/** What the request tells, what the response tells, and the callbacks of writes: a held one is called back at once. */
function partOf(event: string): number {
  if (event === 'written') return 2;
  return RESPONSE.test(event) ? 1 : 0;
}

/** Pipelined requests overlap as time has it, and are numbered by how many are open. */
function unordered(events: readonly string[]): readonly string[] {
  return events.map((event) => event.replace(/^\d+ /, '')).sort();
}

// How much of a session's memory other bodies have filled by the time that a stream's trailers come, for which it is refused then.
const CALM = new RegExp(` ${http2.constants.NGHTTP2_ENHANCE_YOUR_CALM}$`);
const OPEN = /^open\n(?=\d+ \w+ 0$)/m;
const BROKEN = /\berror ERR_HTTP2_STREAM_ERROR$/m;
const AMOUNT = /\d+ \w+(?= \d+$)/;
const RESPONSE = /^\d+ (?:response (?:finish|close|unpipe)|ended=)|^ended$/;
const INFORMATIONAL = /HTTP\/1\.1 1\d\d .*\r\n(?:\S+: .*\r\n)*\r\n/g;
