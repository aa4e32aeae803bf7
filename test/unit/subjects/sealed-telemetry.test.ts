/** That spans, log records, start records, events and jobs are sealed as the journal is, through the real pipeline. */

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { audit, setActor } from '../../../src/index.js';
import type { AuditRecord, JournalledRecord } from '../../../src/record.js';
import { createOpening } from '../../../src/subjects/opening.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { makeDirectory } from '../../support/waiting.js';

const directory = makeDirectory();
const keys = path.join(directory, 'keys');
const seen: object[] = [];
const span = {
  isRecording: () => true,
  setAttributes: (attributes: object) => seen.push(attributes),
  spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }),
};
const audited = auditThisProcess(
  {
    SUBJECT_KEYS: keys,
    JOURNAL_DIR: path.join(directory, 'journal'),
    EXPORTER: ['console'],
    policy: [
      { name: 'begun', match: { path: '/begun' }, level: 'full', start: true },
      { name: 'rest', match: {}, level: 'full' },
    ],
  },
  { activeSpan: () => span as never, emitLog: (record: AuditRecord) => void seen.push(record) },
);
const CHANGE = { table: 'pets', operation: 'update', before: { species: 'finch' }, after: { species: 'canary' } };
/** What the service's own database is told. */
const contexts: string[] = [];
let server: Awaited<ReturnType<typeof listen>>;
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const TOKEN = `${part({ alg: 'HS256' })}.${part({ sub: 'ada', name: 'Ada Canary' })}.c2lnbmF0dXJl`;
const ADA = { id: 'ada', email: 'ada@canary.example', name: 'Ada Canary' };

describe('with a key for each person', () => {
  before(async () => {
    const handler: http.RequestListener = (request, response) => {
      setActor(ADA);
      contexts.push(audited.pipeline.changes?.carrier.contextNow() ?? '');
      audited.pipeline.changes?.seen([CHANGE])();
      request.resume().on('end', () => response.end('a canary sings'));
    };
    server = await listen(http.createServer(handler));
  });
  after(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  it('no span, log record or record says what bodies and names are, and the keys bring them back', async () => {
    await send(`${server.url}/orders`, { method: 'POST', headers: { 'content-type': 'application/json' } }, '{"pet":"canary"}');
    const record = await audited.record(1);
    assert.equal(record.actor.id, 'ada');
    assert.ok(seen.length >= 2);
    assert.doesNotMatch(JSON.stringify([seen, audited.records, contexts]), /canary/i);
    assert.match(contexts.join(), /"id":"ada"/);
    const opened = createOpening(keys)(record as JournalledRecord);
    assert.deepEqual([opened.actor.email, opened.actor.name], [ADA.email, ADA.name]);
    assert.deepEqual([opened.request?.body, opened.request?.bodyFormat], ['{"pet":"canary"}', 'json']);
    assert.deepEqual(opened.changes, [CHANGE]);
    assert.deepEqual([opened.response?.body, opened.response?.bodyFormat], ['a canary sings', 'text']);
  });

  it('nor do events, jobs, flagged telemetry and start records', async () => {
    const before = audited.records.length;
    await audit({ action: 'a.b', actor: ADA });
    audit.run({ action: 'c.d', actor: ADA }, () => undefined);
    audited.pipeline.logEmitted(
      {
        'audit.flagged': true,
        'audit.actor.id': 'ada',
        'audit.actor.name': 'Ada Canary',
        'audit.request.body': 'canary',
      },
      undefined,
    );
    await send(
      `${server.url}/begun`,
      { method: 'POST', headers: { 'content-type': 'text/plain', authorization: `Bearer ${TOKEN}` } },
      'canary',
    );
    await audited.record(before + 5);
    assert.doesNotMatch(JSON.stringify([seen, audited.records]), /canary/i);
    const open = createOpening(keys);
    for (const record of audited.records.slice(before)) assert.equal(open(record as JournalledRecord).actor.name, 'Ada Canary');
    assert.equal(audited.pipeline.health().capture.withheld, 0);
  });

  it('leaves them out, counts and warns once, where the directory is gone', async () => {
    rmSync(keys, { recursive: true });
    const before = audited.records.length;
    for (const n of [1, 2]) {
      await send(`${server.url}/orders`, { method: 'POST', headers: { 'content-type': 'text/plain' } }, `canary ${n}`);
      await audited.record(before + n);
    }
    assert.doesNotMatch(JSON.stringify([seen, audited.records]), /canary/i);
    assert.equal(audited.records.at(-1)?.request?.bodyOmitted, 'key');
    const { status, reasons, capture } = audited.pipeline.health();
    assert.equal(capture.withheld, 2);
    assert.equal(status, 'failing');
    assert.match(reasons.join(), /bodies and names were left out .*in all: 2.*AUDIT_SUBJECT_KEYS/);
    assert.equal(audited.warnings.filter((warning) => warning.includes('bodies and names are left out')).length, 1);
  });
});
