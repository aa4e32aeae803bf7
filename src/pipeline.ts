/** The composition root: capture, telemetry, journal and delivery become one pipeline. Touches neither environment nor process. */

import { createRequire } from 'node:module';
import path from 'node:path';
import { FLAGGED, RECORD_ID } from './attributes.js';
import { type Capture, createCapture } from './capture/capture.js';
import type { Exchange } from './capture/exchange.js';
import { createGeoLookup } from './capture/geo.js';
import { createHttpHooks } from './capture/hooks.js';
import { compilePolicy } from './capture/policy.js';
import { rememberTexts } from './capture/remembering.js';
import { followRpcMetadata, type RpcMetadata } from './capture/route.js';
import { clientHeaderNames, createClientLocator } from './capture/trusted-proxy.js';
import type { AuditConfig } from './config.js';
import { messageOf } from './errors.js';
import { type EventContext, recordOfEvent, recordOfTelemetry } from './event-record.js';
import { type CaptureCounters, countBy, createCaptureCounters } from './health.js';
import { createIdentities } from './identity/identities.js';
import type { LivePipeline } from './live.js';
import type { AuditRecord, AuditService } from './record.js';
import { toAttributes } from './record-attributes.js';
import { createRedactor } from './redaction/index.js';
import type { Sink } from './sink.js';
import type { AuditSpan } from './span.js';
import { createLateSpans } from './telemetry/late-span.js';
import { createRouting } from './telemetry/routing.js';

// From the moment a request closes: what an identity provider's key set takes to come, where it comes at all.
const IDENTITY_WAIT_MS = 500;

export interface PipelineParts {
  readonly service: AuditService;
  /** Whether record bodies go on spans as well. */
  readonly spanBodies: boolean;
  /** Opens journal and delivery; called once, with the first record or when a server listens. */
  readonly createSink: (counters: CaptureCounters, onLoss: (record: AuditRecord) => void) => Sink;
  /** Emits a record as a log record that comes back through `logEmitted`. */
  readonly emitLog: (record: AuditRecord) => void;
  readonly activeSpan: () => AuditSpan | undefined;
  /** An instrumentation was there before our tap, so its span begins only inside of it. */
  readonly spanBeginsLate?: boolean | undefined;
  /** Where the host's framework instrumentation will put the route. */
  readonly activeRpcMetadata?: () => RpcMetadata | undefined;
  readonly warn: (message: string) => void;
}

export interface Pipeline extends LivePipeline {
  readonly capture: Capture;
  /** Called inside a request's context, before its handler. */
  enterHandler(exchange: Exchange): void;
  /** Opens journal and delivery now. */
  open(): void;
  /** Records what is still open as interrupted by the process's end. */
  interruptOpen(): void;
  /** Ends the journal, with everything in it. Synchronous: for the end of the process. */
  closeNow(): void;
}

export function createPipeline(config: AuditConfig, parts: PipelineParts): Pipeline {
  const counters = createCaptureCounters();
  const { service } = parts;
  const redactor = rememberTexts(createRedactor(config.redaction));
  const load = createRequire(path.join(config.identity.directory, 'package.json'));
  const geo = createGeoLookup({ databases: config.client.geoDatabases, warn: parts.warn });
  // Records whose span is about to report its end, by id; at most those that close within one tick.
  const awaiting = new Map<string, AuditRecord>();
  let sink: Sink | undefined;

  const open = (): Sink => {
    geo.open();
    sink ??= parts.createSink(counters, (loss) => accept(countIn(loss)));
    return sink;
  };
  const accept = (record: AuditRecord): void => open().append(record);
  const routing = createRouting(accept);
  const countIn = (record: AuditRecord): AuditRecord => {
    counters.seen += 1;
    counters.pending += 1;
    return record;
  };

  const capture = createCapture(
    {
      service,
      redactor,
      policy: compilePolicy(config.policy),
      identities: createIdentities(config.identity, { load, warn: parts.warn, headerNames: clientHeaderNames(config.client) }),
      clients: createClientLocator(config.client),
      geo,
      identityWaitMs: IDENTITY_WAIT_MS,
      logAnonymous: config.identity.logAnonymous,
      ...config.capture,
    },
    counters,
    { onRecord, onError: (error) => parts.warn(`a request could not be recorded and was counted as dropped: ${messageOf(error)}`) },
  );

  /** In the response's `close` event, before the span's own listener: the span may still be open. */
  function onRecord(record: AuditRecord, exchange: Exchange): void {
    exchange.record = record;
    const { span } = exchange;
    if (span?.isRecording() !== true) return emit(record);
    if (!exchange.spanIsHooked) {
      span.setAttributes(toAttributes(record, { bodies: parts.spanBodies }));
      return emit(record);
    }
    if (awaiting.size === 0) process.nextTick(emitAwaiting);
    awaiting.set(record.id, record);
  }

  /** The span's end, within this very event, should have routed these: if not, nobody told our processor of it. */
  function emitAwaiting(): void {
    const left = [...awaiting.values()];
    awaiting.clear();
    for (const record of left) emit(record);
  }

  function emit(record: AuditRecord): void {
    try {
      parts.emitLog(record);
    } catch (error) {
      parts.warn(`a record could not be emitted as a log record and went straight to the journal: ${messageOf(error)}`);
    }
    routing.route(record);
  }

  /** Flagged telemetry that is not the copy of a record of ours. */
  function acceptForeign(attributes: Readonly<Record<string, unknown>>): void {
    if (attributes[FLAGGED] !== true) return;
    const id = attributes[RECORD_ID];
    const own = typeof id === 'string' ? awaiting.get(id) : undefined;
    if (own !== undefined) {
      awaiting.delete(own.id);
      routing.route(own);
    } else if (typeof id !== 'string' || !routing.isRouted(id)) {
      routing.route(countIn(recordOfTelemetry(attributes, service, redactor)));
    }
  }

  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      countBy(counters.dropped, 'telemetry-failed');
      counters.seen += 1;
      parts.warn(`flagged telemetry could not be recorded: ${messageOf(error)}`);
    }
  };

  /** The span names its record from now on: some hosts end it before the response closes. */
  const joinHost = (exchange: Exchange): boolean => {
    const span = parts.activeSpan();
    exchange.span = span;
    if (span?.isRecording() === true) span.setAttributes({ [RECORD_ID]: exchange.id });
    return span !== undefined;
  };
  const late = parts.spanBeginsLate === true ? createLateSpans(capture, joinHost) : undefined;

  const health = (): ReturnType<LivePipeline['health']> => ({ capture: structuredClone(counters), exporters: sink?.health() ?? {} });

  return {
    capture: late?.capture ?? capture,
    open,
    hooks: createHttpHooks({
      exchangeOf: capture.exchangeOf,
      joinSpan(exchange, span) {
        exchange.span = span;
        exchange.spanIsHooked = true;
      },
      spanBodies: parts.spanBodies,
    }),
    current: capture.current,
    exchangeOf: capture.exchangeOf,
    enterHandler(exchange) {
      open();
      if (exchange.span === undefined && !joinHost(exchange)) late?.expect(exchange);
      const metadata = parts.activeRpcMetadata?.();
      if (metadata !== undefined) followRpcMetadata(exchange.request, metadata);
    },
    async event(event) {
      const record = countIn(recordOfEvent(event, contextOf(capture), service, redactor));
      routing.route(record);
      return { id: record.id, durable: await open().sync() };
    },
    spanEnded: (span) => guarded(() => acceptForeign(span.attributes ?? {})),
    logEmitted: (attributes, carried) => guarded(() => (carried === undefined ? acceptForeign(attributes) : routing.route(carried))),
    async flush(timeoutMs = config.delivery.shutdownTimeoutMs) {
      await capture.settled();
      emitAwaiting();
      await sink?.flush(timeoutMs);
      return health();
    },
    health,
    interruptOpen() {
      capture.closeAll();
      emitAwaiting();
    },
    closeNow: () => sink?.closeSync(),
    async shutdown(timeoutMs = config.delivery.shutdownTimeoutMs) {
      await capture.settled();
      emitAwaiting();
      geo.close();
      await sink?.shutdown(timeoutMs);
    },
  };
}

/** What an event inherits from the request it happens in. */
function contextOf(capture: Capture): EventContext {
  const exchange = capture.current();
  if (exchange === undefined) return {};
  return { ...capture.who(exchange), request: { id: exchange.requestId }, refersTo: exchange.id, trace: exchange.span?.spanContext() };
}
