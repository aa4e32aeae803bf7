/** That what is configured for redaction reaches the records of requests. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { AuditRecord } from '../../../src/record.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';

const HASH_KEY = 'a-key-of-sixteen-or-more';
const audited = auditThisProcess({
  HASH_KEY,
  MAX_BODY_BYTES: 100,
  REDACT_FIELDS: 'badge',
  redaction: {
    fields: ['locker'],
    remove: ['session'],
    allow: ['$.order.token_id'],
    rules: [{ fields: ['customer ref'], action: 'hash' }],
    patterns: ['EMP-[0-9]{4,6}'],
    pathSegments: ['claim'],
    email: true,
  },
});
let server: Awaited<ReturnType<typeof listen>>;

async function recordOf(path: string, contentType: string, body: string | Buffer): Promise<AuditRecord> {
  const next = audited.record(audited.records.length + 1);
  await send(`${server.url}${path}`, { method: 'POST', headers: { 'content-type': contentType } }, body);
  return await next;
}

function hmac(content: string | Buffer): string {
  return createHmac('sha256', HASH_KEY).update(content).digest('hex');
}

describe('the settings of redaction', () => {
  before(async () => {
    server = await listen(http.createServer((request, response) => request.resume().on('end', () => response.end())));
  });
  after(() => server.close());

  it('hold for the bodies of records', async () => {
    const record = await recordOf('/a', 'application/json', '{"badge":1,"locker":2,"session":3,"note":"EMP-1234 a@b.example"}');
    assert.equal(record.request?.body, '{"badge":"[REDACTED]","locker":"[REDACTED]","session":3,"note":"[REDACTED] [REDACTED]"}');
    const hashed = await recordOf('/a', 'application/json', '{"customerRef":"c-42"}');
    assert.equal(hashed.request?.body, `{"customerRef":"[HMAC ${hmac('c-42')}]"}`);
  });

  it('hold for paths and queries', async () => {
    const record = await recordOf('/claim/abc123def456?locker=7&q=EMP-99999', 'text/plain', '');
    assert.equal(record.request?.path, '/claim/[REDACTED]');
    assert.equal(record.request?.query, 'locker=[REDACTED]&q=[REDACTED]');
  });

  it('store the keyed hash of a whole body that is not understood, and of no other', async () => {
    const image = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]);
    const { request } = await recordOf('/a', 'image/png', image);
    assert.deepEqual([request?.bodyOmitted, request?.bodySize, request?.bodyHash], ['binary', 7, hmac(image)]);
    const broken = await recordOf('/a', 'application/json', '{"a" 1}');
    assert.deepEqual([broken.request?.bodyOmitted, broken.request?.bodyHash], ['unparsable', hmac('{"a" 1}')]);
    const large = Buffer.alloc(100_001, 1);
    const cut = await recordOf('/a', 'image/png', large);
    assert.deepEqual([cut.request?.bodyOmitted, cut.request?.bodySize, cut.request?.bodyHash], ['binary', 100_001, hmac(large)]);
    const untyped = await recordOf('/a', 'application/octet-stream', Buffer.alloc(100_001, 0));
    assert.deepEqual([untyped.request?.bodyOmitted, untyped.request?.bodyHash], ['binary', hmac(Buffer.alloc(100_001, 0))]);
    const text = await recordOf('/a', 'text/plain', 'a'.repeat(100_001));
    assert.equal(text.request?.bodyHash, undefined);
    const kept = await recordOf('/a', 'application/json', '{}');
    assert.equal(kept.request?.bodyHash, undefined);
  });
});
