/** Follows every request from its arrival to its close, exactly once each, and hands its record on. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse, Http2Stream } from 'node:http2';
import { createDeadline } from '../deadline.js';
import { type CaptureCounters, countBy } from '../health.js';
import type { AuditRecord } from '../record.js';
import { tapRequest } from './body.js';
import { type ConfirmationListener, createConfirmation } from './confirmation.js';
import { Exchange } from './exchange.js';
import { type Ended, type Judgement, judge, type RecordSettings, whoOf } from './exchange-record.js';
import { queueResponse } from './held-socket.js';
import { holdResponse } from './hold.js';
import { holdHttp2Response } from './hold-http2.js';
import { Job } from './job.js';
import { originForm } from './origin-form.js';
import type { Policy, StartDecision } from './policy.js';
import { requestIdOf } from './request-id.js';
import { createStamps } from './stamps.js';

export interface CaptureSettings extends RecordSettings {
  /** Asked when a request arrives, which is judged by that policy to its end, whatever is loaded meanwhile. */
  readonly policy: () => Policy;
  readonly requestBody: boolean;
  readonly responseBody: boolean;
  /** For bodies of which only size and hash are recorded. */
  readonly hashKey: string | undefined;
  /** Lower case: read from the request, and echoed on the response if `echoRequestId`. */
  readonly requestIdHeader: string;
  readonly echoRequestId: boolean;
  /** How long a closed request may wait for the verification of its token, in milliseconds. */
  readonly identityWaitMs: number;
}

// Each holds its bodies meanwhile: 1,000 are 20 MB at the default cap. More are recorded at once, unverified.
const MAX_WAITING = 1000;

export interface Capture {
  /** Opens the exchange of a request, once; undefined when the policy excludes it. */
  open(request: IncomingMessage, response: ServerResponse): Exchange | undefined;
  exchangeOf(message: IncomingMessage | ServerResponse): Exchange | undefined;
  /** Counts a request that the parser refused before anybody's handler saw it. */
  refuse(error: unknown, socket: unknown): void;
  /** Call before the handler, which must wait for the answer, if there is one, and not run if that is false. */
  begin(exchange: Exchange): Promise<boolean> | undefined;
  /** A request was answered 503 because `begin` answered false. */
  refused(): void;
  /** The service has ended a response of which the bytes are held. */
  responseEnded(exchange: Exchange): void;
  /** The exchange whose handler, or anything it has started, is running now. */
  current(): Exchange | undefined;
  /** The job that is running now, unless it serves requests itself and one of them is. */
  currentJob(): Job | undefined;
  run<T>(scope: Exchange | Job, work: () => T): T;
  /** Who acts in an open exchange, as far as is known now. */
  who(exchange: Exchange): ReturnType<typeof whoOf>;
  /** Resolves once who acted in the requests closed so far is known, or will not be. */
  settled(): Promise<void>;
  /** Closes what is still open because the process ends, and waits for nobody. */
  closeAll(): void;
}

export interface CaptureListener extends ConfirmationListener {
  /** Gets each finished record with its exchange, inside the response's `close` event. Must not throw. */
  readonly onRecord: (record: AuditRecord, exchange: Exchange) => void;
}

export function createCapture(settings: CaptureSettings, counters: CaptureCounters, listener: CaptureListener): Capture {
  const { onRecord, onError } = listener;
  const stamps = createStamps<Exchange | typeof EXCLUDED>();
  const open = new Set<Exchange>();
  const waiting = new Map<Exchange, Promise<void>>();
  const running = new AsyncLocalStorage<Exchange | Job>();
  const ofCarrier = new WeakMap<object, Set<Exchange>>();

  const confirmation = createConfirmation({
    settings,
    counters,
    listener,
    judge: (exchange) => judgeSafely(exchange, 'held', false),
    leaveOut,
  });

  function close(exchange: Exchange, ended: 'closed' | 'process-exit'): void {
    if (exchange.closed) return;
    exchange.close();
    open.delete(exchange);
    exchange.onClosed?.();
    if (confirmation.closed(exchange, ended)) return;
    counters.open -= 1;
    counters.pending += 1;
    const mayWait = ended === 'closed' && exchange.hold === undefined && waiting.size < MAX_WAITING;
    const judgement = judgeSafely(exchange, ended, mayWait);
    if (judgement !== undefined && 'waitFor' in judgement) waiting.set(exchange, concludeAfter(exchange, judgement.waitFor));
    else conclude(exchange, judgement);
  }

  /** Later than the close the span has ended, so the record goes by its log record; counted as pending meanwhile. */
  async function concludeAfter(exchange: Exchange, verified: Promise<void>): Promise<void> {
    const deadline = createDeadline(settings.identityWaitMs);
    await Promise.race([verified, deadline.passed]);
    deadline.clear();
    concludeNow(exchange);
  }

  function concludeNow(exchange: Exchange): void {
    if (waiting.delete(exchange)) conclude(exchange, judgeSafely(exchange, 'closed', false));
  }

  /** Moves the exchange from pending to what became of it; a record stays pending until the journal has it. */
  function conclude(exchange: Exchange, judgement: Judgement | undefined): void {
    if (judgement !== undefined && 'record' in judgement) onRecord(judgement.record, exchange);
    else leaveOut(judgement);
  }

  function leaveOut(judgement: Exclude<Judgement, { readonly record: AuditRecord }> | undefined): void {
    counters.pending -= 1;
    if (judgement === undefined || 'waitFor' in judgement) countBy(counters.dropped, 'record-failed');
    else if ('excludedBy' in judgement) countBy(counters.excluded, judgement.excludedBy);
    else if ('sampledOut' in judgement) counters.sampledOut += 1;
    else counters.skipped += 1;
  }

  /** Building a record is total by design; should it fail all the same, the request is counted and the service lives. */
  function judgeSafely(exchange: Exchange, ended: Ended, mayWait: boolean): Judgement | undefined {
    try {
      return judge(exchange, settings, ended, mayWait);
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  /** In absolute form a path finds its rules like any other, but nothing is excluded by it: few services take it for the same. */
  function decide({ method = 'GET', url = '', headers }: IncomingMessage): StartDecision {
    const policy = settings.policy();
    const path = originForm(url);
    const decision = policy.atStart({ method, rawPath: pathOf(path), headers });
    if (decision.excludedBy === undefined || path === url) return decision;
    return policy.atStart({ method, rawPath: pathOf(url), headers });
  }

  /**
   * A pipelined response that waits for its turn when the connection goes never hears of it; nor does anybody of a response
   * from which the service took all listeners.
   */
  function followCarrier(exchange: Exchange): void {
    const { socket, stream } = exchange.request as IncomingMessage & { readonly stream?: Http2Stream };
    const carrier = stream ?? socket;
    const known = ofCarrier.get(carrier);
    const exchanges = known ?? new Set<Exchange>();
    for (const left of exchanges) if (left.response.writableFinished) close(left, 'closed');
    exchanges.add(exchange);
    exchange.onClosed = () => exchanges.delete(exchange);
    if (known !== undefined) return;
    ofCarrier.set(carrier, exchanges);
    // After the responses' own events, which know more.
    carrier.once('close', () => {
      process.nextTick(() => {
        for (const left of [...exchanges]) close(left, 'closed');
      });
    });
  }

  return {
    open(request, response) {
      if (!isExchange(request, response)) return undefined;
      const known = stamps.get(request);
      if (known !== undefined) return known === EXCLUDED ? undefined : known;
      // A proxy of it, or an object made from it, is no other request.
      const handled = running.getStore();
      if (handled instanceof Exchange && Array.isArray(request.rawHeaders) && handled.request.rawHeaders === request.rawHeaders)
        return handled;
      counters.seen += 1;
      const decision = decide(request);
      if (settings.policy().mayHold && request.httpVersionMajor <= 1) queueResponse(request.socket, response);
      if (decision.excludedBy !== undefined) {
        stamps.set(request, EXCLUDED);
        countBy(counters.excluded, decision.excludedBy);
        return undefined;
      }
      const wanted = {
        ...decision,
        requestBody: decision.requestBody && settings.requestBody,
        responseBody: decision.responseBody && settings.responseBody,
      };
      const exchange = new Exchange(
        request,
        response,
        wanted,
        { maxBytes: Math.max(settings.maxBodyBytes, decision.maxBodyBytes ?? 0), hashKey: settings.hashKey },
        (id) => requestIdOf(request.headers, settings.requestIdHeader, id, settings.redactor),
        settings.identities.begin,
      );
      stamps.set(request, exchange);
      stamps.set(response, exchange);
      open.add(exchange);
      counters.open += 1;
      followCarrier(exchange);
      if (decision.delivery !== 'async') exchange.hold = holdOf(exchange);
      if (mayHaveBody(request)) tapRequest(request, exchange.requestBody);
      // Prepended: the span's own listener ends the span, and its attributes must be there by then.
      response.prependListener('close', () => close(exchange, 'closed'));
      return exchange;
    },
    exchangeOf(message) {
      const known = stamps.get(message);
      return known === EXCLUDED ? undefined : known;
    },
    begin: confirmation.begin,
    refused() {
      counters.refused += 1;
    },
    responseEnded: confirmation.responseEnded,
    refuse(error, socket) {
      const { code } = error as { readonly code?: unknown };
      // Other errors of a socket, a reset between two requests for instance, are no request.
      if (typeof code !== 'string' || !/^(?:HPE_|ERR_HTTP_REQUEST_TIMEOUT)/.test(code)) return;
      // In the middle of a body: that request has its exchange.
      const exchanges = typeof socket === 'object' && socket !== null ? ofCarrier.get(socket) : undefined;
      if (exchanges !== undefined && [...exchanges].some(({ request }) => !request.complete)) return;
      counters.seen += 1;
      countBy(counters.excluded, 'refused-by-parser');
    },
    current() {
      const scope = running.getStore();
      return scope instanceof Job ? scope.exchange : scope;
    },
    currentJob() {
      const scope = running.getStore();
      return scope instanceof Job ? scope : undefined;
    },
    run: (scope, work) => running.run(scope, work),
    who: (exchange) => whoOf(exchange, settings),
    async settled() {
      await Promise.all(waiting.values());
    },
    closeAll() {
      for (const exchange of [...open]) close(exchange, 'process-exit');
      for (const exchange of [...waiting.keys()]) concludeNow(exchange);
    },
  };
}

function holdOf(exchange: Exchange): Exchange['hold'] {
  const { request, response } = exchange;
  // A request without a version is of HTTP/0.9.
  if (request.httpVersionMajor <= 1) return holdResponse(response, exchange);
  return holdHttp2Response(response as unknown as Http2ServerResponse, exchange);
}

/** Whoever emits `request` on a server may pass anything; what cannot close cannot be followed. */
function isExchange(request: Partial<IncomingMessage> | undefined, response: Partial<ServerResponse> | undefined): boolean {
  return typeof request?.headers === 'object' && typeof response?.prependListener === 'function';
}
/** A request that the policy excludes is asked about twice: by the tap's channel and by its wrapper. */
const EXCLUDED = 'excluded';

function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

/** Without one of these headers an HTTP/1 request has no body; an HTTP/2 stream says whether its headers were all. */
function mayHaveBody(request: IncomingMessage & { readonly stream?: { readonly endAfterHeaders?: boolean } }): boolean {
  const { headers } = request;
  if (request.httpVersionMajor > 1) return request.stream?.endAfterHeaders !== true;
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}
