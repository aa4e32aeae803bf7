import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { AuditSpan } from '../../../src/span.js';
import { activeHostSpan } from '../../../src/telemetry/host-span.js';

const GLOBALS = globalThis as { __SENTRY__?: unknown; _ddtrace?: unknown };
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const span = (spanId: string, more: object = {}): AuditSpan => ({
  isRecording: () => true,
  spanContext: () => ({ traceId: TRACE_ID, spanId }),
  setAttributes: () => undefined,
  ...more,
});

describe('the span of a host that does not speak OpenTelemetry', () => {
  afterEach(() => {
    delete GLOBALS.__SENTRY__;
    delete GLOBALS._ddtrace;
  });

  it("is the root of Sentry's active span, wherever its version keeps it", () => {
    const child = span('b7ad6b7169203331', { _sentryRootSpan: span('00f067aa0ba902b7') });
    for (const scope of [{ _sentrySpan: child }, { refs: { span: child } }, { refs: { span: new WeakRef(child) } }]) {
      GLOBALS.__SENTRY__ = { version: '11.0.0', '11.0.0': { acs: { getCurrentScope: () => scope } } };
      assert.equal(activeHostSpan()?.spanContext().spanId, '00f067aa0ba902b7');
    }
  });

  it("is the first span of Datadog's trace, with its 128-bit trace id", () => {
    const tags: unknown[] = [];
    const context = (spanId: string) => ({
      toTraceId: (all: boolean) => (all ? TRACE_ID : '1'),
      toSpanId: () => spanId,
      _trace: { started },
    });
    const started: object[] = [];
    started.push({ context: () => context('00f067aa0ba902b7'), addTags: (given: unknown) => tags.push(given) });
    GLOBALS._ddtrace = { scope: () => ({ active: () => ({ context: () => context('b7ad6b7169203331') }) }) };
    const found = activeHostSpan();
    found?.setAttributes({ 'audit.record.id': 'r' });
    assert.deepEqual([found?.spanContext(), tags], [{ traceId: TRACE_ID, spanId: '00f067aa0ba902b7' }, [{ 'audit.record.id': 'r' }]]);
  });

  it('is none where the host has none, or another shape', () => {
    assert.equal(activeHostSpan(), undefined);
    GLOBALS.__SENTRY__ = { hub: {} };
    GLOBALS._ddtrace = { scope: () => ({ active: () => null }) };
    assert.equal(activeHostSpan(), undefined);
    GLOBALS.__SENTRY__ = { version: '12.0.0', '12.0.0': { acs: { getCurrentScope: () => ({ refs: {} }) } } };
    assert.equal(activeHostSpan(), undefined);
  });
});
