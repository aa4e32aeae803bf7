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
import { createSessionId } from './capture/request-context.js';
import { followRpcMetadata, type RpcMetadata } from './capture/route.js';
import { clientHeaderNames, createClientLocator } from './capture/trusted-proxy.js';
import { createChangeLink } from './change-link.js';
import type { AuditConfig } from './config.js';
import { hashPolicy } from './config-hash.js';
import { messageOf } from './errors.js';
import { recordOfEvent, recordOfTelemetry } from './event-record.js';
import { countBy, createCaptureCounters } from './health.js';
import { createHealthJudge } from './health-verdict.js';
import { createIdentities } from './identity/identities.js';
import { contextOf, recordOfJob, runJob } from './job-record.js';
import type { LivePipeline } from './live.js';
import type { AuditRecord } from './record.js';
import { toAttributes } from './record-attributes.js';
import { createRecorder, type RecorderParts } from './recorder.js';
import { createConfiguredRedactor, type RedactionFunctions } from './redaction-functions.js';
import type { AuditSpan } from './span.js';
import { createLateSpans } from './telemetry/late-span.js';

// From the moment a request closes: what an identity provider's key set takes to come, where it comes at all.
const IDENTITY_WAIT_MS = 500;

export interface PipelineParts extends RecorderParts {
  /** Whether record bodies go on spans as well. */
  readonly spanBodies: boolean;
  /** Emits a record as a log record that comes back through `logEmitted`. */
  readonly emitLog: (record: AuditRecord) => void;
  readonly activeSpan: () => AuditSpan | undefined;
  /** An instrumentation was there before our tap, so its span begins only inside of it. */
  readonly spanBeginsLate?: boolean | undefined;
  /** Where the host's framework instrumentation will put the route. */
  readonly activeRpcMetadata?: () => RpcMetadata | undefined;
  readonly redaction?: RedactionFunctions | undefined;
}

export interface Pipeline extends LivePipeline {
  readonly capture: Capture;
  /** Puts another policy in force for requests that arrive from now on, if it is another. */
  setPolicy(policy: AuditConfig['policy']): void;
  /** Says in the trail that a new policy is broken and the old one stays. */
  rejectPolicy(faults: readonly string[]): void;
  /** Says in the trail that it ends here; what is recorded after it makes another end. */
  stop(reason: string): void;
  /** Called inside a request's context, before its handler. */
  enterHandler(exchange: Exchange): void;
  /** Opens journal and delivery now: this process serves. */
  open(): void;
  /** Records what is still open as interrupted by the process's end. */
  interruptOpen(): void;
  /** Ends the journal, with everything in it. Synchronous: for the end of the process. */
  closeNow(): void;
}

export function createPipeline(config: AuditConfig, parts: PipelineParts): Pipeline {
  const counters = createCaptureCounters();
  const { service } = parts;
  const load = createRequire(path.join(config.identity.directory, 'package.json'));
  const redactor = rememberTexts(createConfiguredRedactor(config, parts.warn, parts.redaction));
  const geo = createGeoLookup({ databases: config.client.geoDatabases, warn: parts.warn });
  // Records whose span is about to report its end, by id; at most those that close within one tick.
  const awaiting = new Map<string, AuditRecord>();
  let policyInForce = config.policy;
  let policy = compilePolicy(policyInForce);

  const recorder = createRecorder(config, parts, { counters, policyHash: () => hashPolicy(policyInForce), onOpen: geo.open });
  const { seal, countIn, routing } = recorder;

  const identities = createIdentities(config.identity, {
    load,
    warn: parts.warn,
    headerNames: clientHeaderNames(config.client),
    hashKey: config.keys.hash,
  });
  const capture = createCapture(
    {
      service,
      redactor,
      policy: () => policy,
      identities,
      clients: createClientLocator(config.client),
      geo,
      hashKey: config.keys.hash,
      identityWaitMs: IDENTITY_WAIT_MS,
      logAnonymous: config.identity.logAnonymous,
      correlationHeaders: config.context.correlationHeaders,
      sessionId: createSessionId(config.context.sessionCookies, config.keys.hash),
      ...config.capture,
    },
    counters,
    {
      onRecord,
      onHeld,
      onStart: (record) => routeDurably(countIn(seal(record))),
      onHeldClosed,
      onError: (error) => parts.warn(`a request could not be recorded and was counted as dropped: ${messageOf(error)}`),
    },
  );

  /** In the response's `close` event, before the span's own listener: the span may still be open. */
  function onRecord(open: AuditRecord, exchange: Exchange): void {
    const record = seal(open);
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

  /** The response is held meanwhile, so the span ends later and only carries what was recorded. */
  async function onHeld(open: AuditRecord, exchange: Exchange): Promise<boolean> {
    const record = seal(open);
    exchange.record = record;
    const { span } = exchange;
    if (span?.isRecording() === true && !exchange.spanIsHooked) span.setAttributes(toAttributes(record, { bodies: parts.spanBodies }));
    return routeDurably(record);
  }

  /** An amendment has what it says of the person from the record, sealed. */
  function onHeldClosed(exchange: Exchange, amendment: AuditRecord | undefined): void {
    routing.remember(exchange.id);
    if (amendment !== undefined) emit(countIn(amendment));
  }

  /** Never rejects: what cannot be said to be durable is not. */
  async function routeDurably(record: AuditRecord): Promise<boolean> {
    try {
      const hash = recorder.hashAfter(() => emit(record));
      // Dropped: there is nothing to wait for.
      return hash !== undefined && (await recorder.open().sync(config.delivery.confirmTimeoutMs));
    } catch (error) {
      parts.warn(`a record could not be confirmed: ${messageOf(error)}`);
      return false;
    }
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
      routing.route(countIn(seal(recordOfTelemetry(attributes, service, redactor))));
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
  const open = (): void => {
    recorder.open();
    recorder.lifecycle?.beat();
  };

  const changes = config.changes.isEnabled
    ? createChangeLink({
        capture,
        service,
        redactor,
        mode: config.changes.context,
        warn: parts.warn,
        record: (record) => routing.route(countIn(seal(record))),
        namesActor: config.keys.subjects === undefined,
      })
    : undefined;

  const judge = createHealthJudge(() => performance.now());
  const health = (): ReturnType<LivePipeline['health']> => {
    const symptoms = {
      capture: structuredClone(counters),
      exporters: recorder.sink()?.health() ?? {},
      journal: recorder.sink()?.journal(),
    };
    return { ...judge(symptoms), ...symptoms, ...(changes && { changes: structuredClone(changes.counters) }) };
  };

  return {
    changes,
    capture: late?.capture ?? capture,
    open,
    setPolicy(next) {
      const before = hashPolicy(policyInForce);
      if (hashPolicy(next) === before) return;
      policy = compilePolicy(next);
      policyInForce = next;
      recorder.lifecycle?.policyChanged(before, next.rules.length);
    },
    rejectPolicy: (faults) => recorder.lifecycle?.policyRejected(faults),
    stop: recorder.stop,
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
      const record = countIn(seal(recordOfEvent(event, contextOf(capture), service, redactor)));
      const hash = recorder.hashAfter(() => routing.route(record));
      const isSynced = await recorder.open().sync(config.delivery.confirmTimeoutMs);
      return { id: record.id, hash, durable: isSynced && hash !== undefined };
    },
    scope: () => capture.currentJob() ?? capture.current(),
    run: (context, work) =>
      runJob(context, work, capture, (event, job) => {
        if (job.words.skip === true) {
          counters.seen += 1;
          counters.skipped += 1;
        } else routing.route(countIn(seal(recordOfJob(event, job, capture, service, redactor))));
      }),
    addSource: identities.add,
    spanEnded: (span) => guarded(() => acceptForeign(span.attributes ?? {})),
    logEmitted: (attributes, carried) => guarded(() => (carried === undefined ? acceptForeign(attributes) : routing.route(carried))),
    async flush(timeoutMs = config.delivery.shutdownTimeoutMs) {
      await capture.settled();
      emitAwaiting();
      await recorder.sink()?.flush(timeoutMs);
      return health();
    },
    health,
    interruptOpen() {
      capture.closeAll();
      emitAwaiting();
    },
    closeNow() {
      recorder.end();
      recorder.sink()?.closeSync();
    },
    async shutdown(timeoutMs = config.delivery.shutdownTimeoutMs) {
      await capture.settled();
      emitAwaiting();
      geo.close();
      recorder.stop('shutdown');
      recorder.end();
      await recorder.sink()?.shutdown(timeoutMs);
    },
  };
}
