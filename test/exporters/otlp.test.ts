/** The OTLP exporter against a receiver that decodes the protobuf: the contract, what it sends, and what answers mean. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { parseHeaders } from '../../exporters/otlp/endpoint.js';
import { createOtlpExporter, recordFromAttributes } from '../../exporters/otlp/index.js';
import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { exampleRecords } from '../../src/testing/records.js';
import { networkViolations } from '../support/network-guard.js';
import { type OtlpReceiver, type ReceivedLog, type ReceiverBehaviour, startOtlpReceiver } from '../support/otlp-receiver.js';

const POISON = 'poisoned';
const exporterTo = ({ endpoint }: OtlpReceiver, requestTimeoutMs = 10_000): AuditExporter =>
  createOtlpExporter({ endpoint, requestTimeoutMs });

function recordsIn(logs: readonly ReceivedLog[]): readonly JournalledRecord[] {
  return logs.flatMap(({ attributes }) => (recordFromAttributes(attributes) as JournalledRecord | undefined) ?? []);
}

exporterContract('otlp', {
  create: async () => {
    const receiver = await startOtlpReceiver((logs) => {
      if (!logs.some(({ eventName }) => eventName === POISON)) return { kind: 'accept' };
      return { kind: 'status', status: 400, headers: { 'content-type': 'application/x-protobuf' } };
    });
    return { exporter: exporterTo(receiver), read: async () => recordsIn(receiver.logs), close: receiver.close };
  },
  createStalled: async () => {
    const receiver = await startOtlpReceiver(() => ({ kind: 'hang' }));
    return { exporter: exporterTo(receiver), close: receiver.close };
  },
  duplicates: 'by-id',
  poison: (record) => ({ ...record, action: POISON }),
});

let receiver: OtlpReceiver;
let exporter: AuditExporter;

before(async () => {
  receiver = await startOtlpReceiver();
  exporter = exporterTo(receiver, 300);
});

afterEach(() => {
  receiver.behaviours.length = 0;
});

after(async () => {
  await exporter.shutdown();
  await receiver.close();
  assert.deepEqual(networkViolations(), []);
});

async function sendThree(behaviour: ReceiverBehaviour): Promise<readonly Acknowledgement[]> {
  receiver.behaviours.push(behaviour);
  return exporter.export(exampleRecords(3), AbortSignal.timeout(10_000));
}

const RETRIED: readonly (readonly [string, ReceiverBehaviour, RegExp])[] = [
  ...[401, 403, 404, 408, 429, 500, 502, 503, 504].map(
    (status) => [String(status), { kind: 'status', status }, new RegExp(String(status))] as const,
  ),
  ['a redirect', { kind: 'status', status: 307, headers: { location: 'http://127.0.0.2:9/' } }, /307/],
  [
    'a web page',
    { kind: 'status', status: 200, headers: { 'content-type': 'text/html' }, body: '<title>Sign in</title>' },
    /captive portal/,
  ],
  ['another service', { kind: 'status', status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' }, /captive portal/],
  [
    'a broken answer',
    { kind: 'status', status: 200, headers: { 'content-type': 'application/x-protobuf' }, body: '\n\u007f' },
    /captive portal/,
  ],
  ['a reset before receipt', { kind: 'reset before' }, /no answer: (ECONNRESET|EPIPE)/],
  ['a reset after receipt', { kind: 'reset after' }, /no answer: (ECONNRESET|EPIPE)/],
  ['no answer', { kind: 'hang' }, /deadline/],
];

for (const [name, behaviour, reason] of RETRIED) {
  test(`offers the whole batch again after ${name}`, async () => {
    const requests = receiver.requests.length;
    const acknowledgements = await sendThree(behaviour);
    assert.deepEqual(
      acknowledgements.map((one) => one.status),
      ['retry', 'retry', 'retry'],
    );
    for (const one of acknowledgements) if (one.status === 'retry') assert.match(one.reason, reason);
    assert.equal(receiver.requests.length - requests, 1, 'it retries nothing by itself');
  });
}

test('waits as long as Retry-After says', async () => {
  const [one] = await sendThree({ kind: 'status', status: 503, headers: { 'retry-after': '7' } });
  assert.equal(one?.status === 'retry' && one.afterMs, 7000);
});

test('a partial success is the failure of the rejected records only', async (t) => {
  const refused = new Set([2, 5]);
  const records = exampleRecords(8).map((record, n) => (refused.has(n) ? { ...record, action: POISON } : record));
  const own = await startOtlpReceiver((logs) => {
    const rejected = logs.filter(({ eventName }) => eventName === POISON).length;
    return rejected === 0 ? { kind: 'accept' } : { kind: 'partial', rejected };
  });
  const subject = exporterTo(own);
  t.after(async () => {
    await subject.shutdown();
    await own.close();
  });
  const answers = await subject.export(records, AbortSignal.timeout(10_000));
  assert.deepEqual(
    answers.map(({ status }) => status),
    records.map((_, n) => (refused.has(n) ? 'rejected' : 'delivered')),
  );
});

test('a partial success that rejects nothing is a success with a word of advice', async () => {
  const answers = await sendThree({ kind: 'partial', rejected: 0, message: 'deprecated' });
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['delivered', 'delivered', 'delivered'],
  );
});

test('splits what is too large for the receiver', async () => {
  const before = receiver.logs.length;
  const answers = await sendThree({ kind: 'status', status: 413 });
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['delivered', 'delivered', 'delivered'],
  );
  assert.equal(receiver.logs.length - before, 3);
});

test('names things as the draft for audit logging does', async () => {
  const [record] = exampleRecords(1);
  assert.ok(record !== undefined);
  const before = receiver.logs.length;
  await exporter.export([record], AbortSignal.timeout(10_000));
  const log = receiver.logs[before];
  assert.equal(log?.eventName, record.action);
  assert.equal(log?.timeUnixNano, BigInt(Date.parse(record.time)) * 1_000_000n);
  assert.equal(log?.observedTimeUnixNano, BigInt(Date.parse(record.observedTime)) * 1_000_000n);
  assert.deepEqual([log?.severityNumber, log?.severityText, log?.scope, log?.body], [0, '', '', undefined]);
  assert.equal(log?.resource['service.name'], record.service.name);
  assert.deepEqual([log?.traceId, log?.spanId], [record.trace?.traceId ?? '', record.trace?.spanId ?? '']);
  for (const [name, value] of Object.entries({
    'audit.flagged': true,
    'audit.record.id': record.id,
    'audit.actor.id': record.actor.id,
    'audit.actor.type': record.actor.type,
    'audit.action': record.action,
    'audit.outcome': record.outcome,
    'audit.integrity.value': record.integrity.hash,
    'audit.sequence.number': record.integrity.seq,
    'audit.prev.hash': record.integrity.prevHash,
  }))
    assert.deepEqual(log?.attributes[name], value, name);
});

test('posts compressed to /v1/logs with the headers it was given, and follows what the endpoint says', async (t) => {
  const subject = createOtlpExporter({ endpoint: `${receiver.endpoint}/team/`, headers: { 'x-token': 'a' } });
  t.after(() => subject.shutdown());
  await subject.export(exampleRecords(1), AbortSignal.timeout(10_000));
  const { path, headers } = receiver.requests.at(-1) ?? {};
  assert.equal(path, '/team/v1/logs');
  assert.deepEqual(
    [headers?.['content-type'], headers?.['content-encoding'], headers?.['x-token']],
    ['application/x-protobuf', 'gzip', 'a'],
  );
});

test('reads headers as OpenTelemetry writes them, and tells a wrong form from a right one', () => {
  assert.deepEqual(parseHeaders('api-key=a%20b, X-Team = red ,'), { 'api-key': 'a b', 'x-team': 'red' });
  for (const wrong of ['novalue', '=x', 'a b=c', 'a=%', 'a=%0d%0ax', 'a=ü']) assert.equal(parseHeaders(wrong), undefined, wrong);
});

for (const endpoint of ['collector:4318', 'ftp://collector', 'nonsense', 'http://user:word@collector:4318']) {
  test(`refuses the endpoint ${endpoint.replace('word', '…')}`, () => {
    assert.throws(() => createOtlpExporter({ endpoint }), /AUDIT_OTLP_ENDPOINT/);
  });
}
