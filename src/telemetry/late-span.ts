/**
 * Finds the host's span where its instrumentation was there before our tap: ours is the outer wrapper then, and the span
 * is active only inside. Never throws, never delays.
 */

import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Capture } from '../capture/capture.js';
import type { Exchange } from '../capture/exchange.js';

/** Joins the span that is active here and now; false if there is none. */
export type JoinActiveSpan = (exchange: Exchange) => boolean;

export interface LateSpans {
  /** For the tap, which asks it for the exchange when the service writes a response: mostly with the span active. */
  readonly capture: Capture;
  /** A request is about to pass the host's instrumentation. */
  expect(exchange: Exchange): void;
}

// dd-trace's own: its span is active in the handler, but not in what the events of a request with a body call.
const DATADOG_START = 'apm:http:server:request:start';

export function createLateSpans(capture: Capture, join: JoinActiveSpan): LateSpans {
  let isFollowing = false;

  const look = (exchange: Exchange | undefined): boolean => {
    try {
      return exchange !== undefined && (exchange.span !== undefined || join(exchange));
    } catch {
      // A host of an unknown version: the record goes without its trace.
      return false;
    }
  };
  const onDatadogStart = (message: unknown): void => {
    const { req } = message as { readonly req?: IncomingMessage };
    if (req !== undefined) look(capture.exchangeOf(req));
  };

  return {
    capture: {
      ...capture,
      exchangeOf(message) {
        const exchange = capture.exchangeOf(message);
        look(exchange);
        return exchange;
      },
    },
    expect(exchange) {
      // Not before the first request: the span is active for those who subscribe after the tracer.
      if (!isFollowing) diagnostics.subscribe(DATADOG_START, onDatadogStart);
      isFollowing = true;
      joinOnListen(exchange, look);
    },
  };
}

/** OpenTelemetry's instrumentation listens on the response before the handler runs: known even if nothing is ever written. */
function joinOnListen(exchange: Exchange, look: JoinActiveSpan): void {
  const { response } = exchange;
  const onListener = (): void => {
    if (look(exchange)) response.off('newListener', onListener);
  };
  response.on('newListener', onListener);
}
