/** Follows every request from its arrival to its close, exactly once each, and hands its record on. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CaptureCounters, countBy } from '../health.js';
import type { AuditRecord } from '../record.js';
import { tapRequest } from './body.js';
import { Exchange } from './exchange.js';
import { type Judgement, judge, type RecordSettings, whoOf } from './exchange-record.js';
import { Job } from './job.js';
import type { Policy } from './policy.js';
import { requestIdOf } from './request-id.js';
import { createStamps } from './stamps.js';

export interface CaptureSettings extends RecordSettings {
  /** Asked when a request arrives, which is judged by that policy to its end, whatever is loaded meanwhile. */
  readonly policy: () => Policy;
  readonly requestBody: boolean;
  readonly responseBody: boolean;
  /** Lower case: read from the request, and echoed on the response if `echoRequestId`. */
  readonly requestIdHeader: string;
  readonly echoRequestId: boolean;
}

export interface Capture {
  /** Opens the exchange of a request, once; undefined when the policy excludes it. */
  open(request: IncomingMessage, response: ServerResponse): Exchange | undefined;
  exchangeOf(message: IncomingMessage | ServerResponse): Exchange | undefined;
  /** Counts a request that the parser refused: nobody's handler ever sees it. */
  refuse(error: unknown): void;
  /** The exchange whose handler, or anything it has started, is running now. */
  current(): Exchange | undefined;
  /** The job that is running now, unless it serves requests itself and one of them is. */
  currentJob(): Job | undefined;
  run<T>(scope: Exchange | Job, work: () => T): T;
  /** Who acts in an open exchange, as far as is known now. */
  who(exchange: Exchange): ReturnType<typeof whoOf>;
  /** Closes what is still open because the process ends. */
  closeAll(): void;
}

export interface CaptureListener {
  /** Gets each finished record with its exchange, inside the response's `close` event. Must not throw. */
  readonly onRecord: (record: AuditRecord, exchange: Exchange) => void;
  /** A record could not be built; its request is counted as dropped. A defect of this package. */
  readonly onError: (error: unknown) => void;
}

export function createCapture(settings: CaptureSettings, counters: CaptureCounters, { onRecord, onError }: CaptureListener): Capture {
  const stamps = createStamps<Exchange | typeof EXCLUDED>();
  const open = new Set<Exchange>();
  const running = new AsyncLocalStorage<Exchange | Job>();
  const ofSocket = new WeakMap<object, Set<Exchange>>();

  function close(exchange: Exchange, ended: 'closed' | 'process-exit'): void {
    if (exchange.closed) return;
    exchange.closed = true;
    open.delete(exchange);
    exchange.onClosed?.();
    counters.open -= 1;
    const judgement = judgeSafely(exchange, ended);
    if (judgement === undefined) countBy(counters.dropped, 'record-failed');
    else if ('excludedBy' in judgement) countBy(counters.excluded, judgement.excludedBy);
    else if ('sampledOut' in judgement) counters.sampledOut += 1;
    else if ('skipped' in judgement) counters.skipped += 1;
    else {
      counters.pending += 1;
      onRecord(judgement.record, exchange);
    }
  }

  /** Building a record is total by design; should it fail all the same, the request is counted and the service lives. */
  function judgeSafely(exchange: Exchange, ended: 'closed' | 'process-exit'): Judgement | undefined {
    try {
      return judge(exchange, settings, ended);
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  /** A pipelined response that waits for its turn when the connection goes never hears of it. */
  function followSocket(exchange: Exchange): void {
    const { socket, httpVersionMajor } = exchange.request;
    if (httpVersionMajor > 1) return;
    const known = ofSocket.get(socket);
    const exchangesOfSocket = known ?? new Set<Exchange>();
    exchangesOfSocket.add(exchange);
    exchange.onClosed = () => exchangesOfSocket.delete(exchange);
    if (known !== undefined) return;
    ofSocket.set(socket, exchangesOfSocket);
    // After the responses' own events, which know more.
    socket.once('close', () => {
      process.nextTick(() => {
        for (const left of [...exchangesOfSocket]) close(left, 'closed');
      });
    });
  }

  return {
    open(request, response) {
      if (!isExchange(request, response)) return undefined;
      const known = stamps.get(request);
      if (known !== undefined) return known === EXCLUDED ? undefined : known;
      counters.seen += 1;
      const decision = settings
        .policy()
        .atStart({ method: request.method ?? 'GET', rawPath: pathOf(request.url), headers: request.headers });
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
      const maxBodyBytes = Math.max(settings.maxBodyBytes, decision.maxBodyBytes ?? 0);
      const exchange = new Exchange(request, response, wanted, maxBodyBytes, (id) =>
        requestIdOf(request.headers, settings.requestIdHeader, id, settings.redactor),
      );
      stamps.set(request, exchange);
      stamps.set(response, exchange);
      open.add(exchange);
      counters.open += 1;
      followSocket(exchange);
      if (mayHaveBody(request)) tapRequest(request, exchange.requestBody);
      // Prepended: the span's own listener ends the span, and its attributes must be there by then.
      response.prependListener('close', () => close(exchange, 'closed'));
      return exchange;
    },
    exchangeOf(message) {
      const known = stamps.get(message);
      return known === EXCLUDED ? undefined : known;
    },
    refuse(error) {
      const { code } = error as { readonly code?: unknown };
      // Other errors of a socket, a reset between two requests for instance, are no request.
      if (typeof code !== 'string' || !/^(?:HPE_|ERR_HTTP_REQUEST_TIMEOUT)/.test(code)) return;
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
    closeAll() {
      for (const exchange of [...open]) close(exchange, 'process-exit');
    },
  };
}

/** Whoever emits `request` on a server may pass anything; what cannot close cannot be followed. */
function isExchange(request: Partial<IncomingMessage> | undefined, response: Partial<ServerResponse> | undefined): boolean {
  return typeof request?.headers === 'object' && typeof response?.prependListener === 'function';
}
/** A request that the policy excludes is asked about twice: by the tap's channel and by its wrapper. */
const EXCLUDED = 'excluded';

function pathOf(url = ''): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

/** Without one of these headers an HTTP/1 request has no body; an HTTP/2 stream says whether its headers were all. */
function mayHaveBody(request: IncomingMessage & { readonly stream?: { readonly endAfterHeaders?: boolean } }): boolean {
  const { headers } = request;
  if (request.httpVersionMajor > 1) return request.stream?.endAfterHeaders !== true;
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}
