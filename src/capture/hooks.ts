/** The hooks for `@opentelemetry/instrumentation-http`: they join the server span to its exchange and put the record on it. */

import { IncomingMessage, ServerResponse } from 'node:http';
import { RECORD_ID, REQUEST_ID } from '../attributes.js';
import { toAttributes } from '../record-attributes.js';
import type { AuditSpan } from '../span.js';
import type { Exchange } from './exchange.js';

/** What the hooks need of the live pipeline. */
export interface HookTarget {
  exchangeOf(message: IncomingMessage | ServerResponse): Exchange | undefined;
  /** The span's provider has our processor, or may have: it will say when the span ends. */
  joinSpan(exchange: Exchange, span: AuditSpan): void;
  readonly spanBodies: boolean;
}

/** Structurally a part of `HttpInstrumentationConfig`, whichever copy or line of the package the service has. */
export interface AuditHttpHooks {
  readonly startIncomingSpanHook: (request: IncomingMessage) => Record<string, string>;
  readonly requestHook: (span: AuditSpan, request: unknown) => void;
  readonly responseHook: (span: AuditSpan, response: unknown) => void;
  readonly applyCustomAttributesOnSpan: (span: AuditSpan, request: unknown, response: unknown) => void;
}

export function createHttpHooks(target: HookTarget): AuditHttpHooks {
  return {
    startIncomingSpanHook(request) {
      const exchange = target.exchangeOf(request);
      const attributes: Record<string, string> = {};
      // On the span from its first moment: a span that ends early still names its record.
      if (exchange !== undefined) attributes[RECORD_ID] = exchange.id;
      return attributes;
    },
    requestHook(span, request) {
      const exchange = request instanceof IncomingMessage ? target.exchangeOf(request) : undefined;
      if (exchange !== undefined) target.joinSpan(exchange, span);
    },
    responseHook(span, response) {
      const exchange = response instanceof ServerResponse ? target.exchangeOf(response) : undefined;
      if (exchange !== undefined && span.isRecording()) span.setAttributes({ [REQUEST_ID]: exchange.requestId });
    },
    applyCustomAttributesOnSpan(span, _request, response) {
      const record = response instanceof ServerResponse ? target.exchangeOf(response)?.record : undefined;
      if (record !== undefined && span.isRecording()) span.setAttributes(toAttributes(record, { bodies: target.spanBodies }));
    },
  };
}
