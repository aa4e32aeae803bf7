import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCaptureCounters, type ExporterCounters } from '../../src/health.js';
import { createHealthJudge } from '../../src/health-verdict.js';

const well: ExporterCounters = { delivered: 5, undelivered: 0, deadLettered: 0, retries: 0, breaker: 'closed', oldestUndeliveredAgeMs: 0 };
const exporters = (changes: Partial<ExporterCounters>) => ({ postgres: { ...well, ...changes } });

test('is healthy while everything arrives, and while a short failure lasts', () => {
  const judge = createHealthJudge(() => 0);
  assert.deepEqual(judge({ exporters: exporters({}) }), { status: 'healthy', reasons: [] });
  assert.equal(judge({ exporters: exporters({ undelivered: 9, oldestUndeliveredAgeMs: 59_999, lastError: 'busy' }) }).status, 'healthy');
});

test('is degraded, with the reason, when an exporter is late or its breaker is open', () => {
  const judge = createHealthJudge(() => 0);
  const late = judge({ exporters: exporters({ undelivered: 9, oldestUndeliveredAgeMs: 61_000, lastError: 'nobody listens there' }) });
  assert.equal(late.status, 'degraded');
  assert.deepEqual(late.reasons, [
    'postgres takes no records (nobody listens there); 9 record(s) wait in the journal, the oldest for 61 s',
  ]);
  assert.equal(judge({ exporters: exporters({ breaker: 'open' }) }).status, 'degraded');
});

test('is degraded when the journal is nearly full, before anything is dropped', () => {
  const judge = createHealthJudge(() => 0);
  assert.equal(judge({ exporters: {}, journal: { bytes: 79, maxBytes: 100, isWritable: true } }).status, 'healthy');
  const { status, reasons } = judge({ exporters: {}, journal: { bytes: 80, maxBytes: 100, isWritable: true } });
  assert.equal(status, 'degraded');
  assert.match(reasons.join(), /80 % full.*AUDIT_JOURNAL_MAX_BYTES/);
});

test('is degraded while the journal cannot be written, before anything is dropped', () => {
  const judge = createHealthJudge(() => 0);
  const capture = { ...createCaptureCounters(), pending: 7 };
  const { status, reasons } = judge({ capture, exporters: {}, journal: { bytes: 0, maxBytes: 100, isWritable: false } });
  assert.equal(status, 'degraded');
  assert.match(reasons.join(), /cannot be written; 7 record\(s\) wait in memory/);
});

test('is failing for a minute after records were dropped, and heals', () => {
  let nowMs = 1000;
  const judge = createHealthJudge(() => nowMs);
  const capture = createCaptureCounters();
  assert.equal(judge({ capture, exporters: {} }).status, 'healthy');
  capture.dropped['journal_unavailable'] = 3;
  const { status, reasons } = judge({ capture, exporters: {} });
  assert.equal(status, 'failing');
  assert.match(reasons.join(), /journal_unavailable 3/);
  nowMs += 59_000;
  assert.equal(judge({ capture, exporters: {} }).status, 'failing');
  nowMs += 2000;
  assert.equal(judge({ capture, exporters: {} }).status, 'healthy');
});

test('is failing for a minute after bodies and names were withheld, whatever was dropped before', () => {
  let nowMs = 1000;
  const judge = createHealthJudge(() => nowMs);
  const capture = createCaptureCounters();
  capture.dropped['journal_unavailable'] = 3;
  judge({ capture, exporters: {} });
  nowMs += 50_000;
  capture.withheld = 1;
  assert.equal(judge({ capture, exporters: {} }).reasons.length, 2);
  nowMs += 50_000;
  const { status, reasons } = judge({ capture, exporters: {} });
  assert.equal(status, 'failing');
  assert.match(reasons.join(), /^bodies and names .*in all: 1/);
  nowMs += 11_000;
  assert.equal(judge({ capture, exporters: {} }).status, 'healthy');
});
