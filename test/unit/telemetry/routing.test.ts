import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { SpanKind, TraceFlags } from '@opentelemetry/api';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { AlwaysOffSampler, BasicTracerProvider, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { AuditSpan } from '../../../src/span.js';
import { AuditLogRecordProcessor } from '../../../src/telemetry/log-processor.js';
import { createPrivateLogger } from '../../../src/telemetry/private-logger.js';
import { AuditSampler } from '../../../src/telemetry/sampler.js';
import { AuditSpanProcessor } from '../../../src/telemetry/span-processor.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';

let logged = 0;
let active: AuditSpan | undefined;
const privately = createPrivateLogger();
const audited = auditThisProcess(
  {},
  {
    emitLog(record) {
      logged += 1;
      privately(record);
    },
    activeSpan: () => active,
  },
);
const { hooks } = audited.pipeline;
const tracer = new BasicTracerProvider({ spanProcessors: [new AuditSpanProcessor() as SpanProcessor] }).getTracer('test');

type EndWhen = 'on close' | 'at once' | 'never';

/** What the instrumentation does, with a span that ends when the test says. */
async function serve(endWhen: EndWhen): Promise<{ span: ReturnType<typeof tracer.startSpan>; byLog: boolean }> {
  const span = tracer.startSpan('GET', { kind: SpanKind.SERVER });
  const before = logged;
  const server = await listen(
    http.createServer((request, response) => {
      hooks.requestHook(span as unknown as AuditSpan, request);
      hooks.responseHook(span as unknown as AuditSpan, response);
      if (endWhen === 'at once') span.end();
      response.on('close', () => {
        hooks.applyCustomAttributesOnSpan(span as unknown as AuditSpan, request, response);
        if (endWhen === 'on close') span.end();
      });
      response.end('x');
    }),
  );
  const next = audited.record(audited.records.length + 1);
  await send(`${server.url}/orders`);
  await next;
  await server.close();
  return { span, byLog: logged > before };
}

describe('a record is routed exactly once', () => {
  let count = 0;
  before(() => {
    count = audited.records.length;
  });
  after(() => {
    assert.equal(new Set(audited.records.map((record) => record.id)).size, audited.records.length);
    assert.deepEqual(audited.warnings, []);
  });

  it('by its span, when the span ends after the close', async () => {
    const { span, byLog } = await serve('on close');
    assert.equal(byLog, false);
    assert.equal(audited.records.length, count + 1);
    assert.equal(audited.records.at(-1)?.trace?.spanId, span.spanContext().spanId);
    assert.equal((span as unknown as { attributes: Record<string, unknown> }).attributes['audit.action'], 'order.accessed');
  });

  it('by its log record, when the span ended before the close', async () => {
    assert.equal((await serve('at once')).byLog, true);
    assert.equal(audited.records.length, count + 2);
  });

  it('by its log record, when nobody tells of the span', async () => {
    const { span, byLog } = await serve('never');
    assert.equal(byLog, true);
    span.end();
    assert.equal(audited.records.length, count + 3);
  });

  it("by its log record, with the attributes on the host's active span and no body among them", async () => {
    const span = tracer.startSpan('GET', { kind: SpanKind.SERVER });
    active = span as unknown as AuditSpan;
    const server = await listen(http.createServer((_request, response) => response.end('x')));
    await send(`${server.url}/orders`, { method: 'POST' });
    await server.close();
    active = undefined;
    span.end();
    assert.equal(audited.records.length, count + 4);
    const { attributes } = span as unknown as { attributes: Record<string, unknown> };
    assert.deepEqual([attributes['audit.flagged'], attributes['audit.record.id']], [true, audited.records.at(-1)?.id]);
  });
});

describe('flagged telemetry of others', () => {
  it('becomes an unverified record with an id of its own, redacted', () => {
    const first = audited.records.length;
    const span = tracer.startSpan('job');
    span.setAttributes({
      'audit.flagged': true,
      'audit.action': 'job.done',
      'audit.actor.id': 'root',
      'audit.actor.verified': true,
      'audit.record.id': 'made-up',
    });
    span.end();
    const logger = new LoggerProvider({ processors: [new AuditLogRecordProcessor()] }).getLogger('host');
    logger.emit({
      attributes: { 'audit.flagged': true, 'audit.request.body': '{"password":"hunter2"}', 'audit.metadata': '{"token":"hunter2"}' },
    });
    logger.emit({ attributes: { 'audit.flagged': 'true' } });
    const [job, log, ...others] = audited.records.slice(first);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [job?.kind, job?.action, job?.actor.id, job?.actor.source, job?.actor.verified],
      ['event', 'job.done', 'root', 'telemetry', false],
    );
    assert.notEqual(job?.id, 'made-up');
    assert.equal(log?.action, 'telemetry.recorded');
    assert.ok(!JSON.stringify(audited.records.slice(first)).includes('hunter2'));
  });
});

describe('the sampler', () => {
  it('records server spans that another would not, and samples none', () => {
    const ended: { traceFlags: number; kind: number }[] = [];
    const processor = {
      onStart() {},
      onEnd: (span: { spanContext(): { traceFlags: number }; kind: number }) =>
        ended.push({ traceFlags: span.spanContext().traceFlags, kind: span.kind }),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const sampler = new AuditSampler(new AlwaysOffSampler()) as unknown as Sampler;
    const sampled = new BasicTracerProvider({ sampler, spanProcessors: [processor as unknown as SpanProcessor] }).getTracer('test');
    sampled.startSpan('server', { kind: SpanKind.SERVER }).end();
    sampled.startSpan('client', { kind: SpanKind.CLIENT }).end();
    assert.deepEqual(ended, [{ traceFlags: TraceFlags.NONE, kind: SpanKind.SERVER }]);
    assert.equal(sampler.toString(), 'AuditSampler{AlwaysOffSampler}');
  });
});
