/** Our own bypasses and over-redactions: every format and every door, and the names of keys. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRedactor } from '../../../src/redaction/index.js';

interface Case {
  readonly name: string;
  readonly via: 'body' | 'query' | 'path' | 'header' | 'text';
  readonly contentType?: string;
  readonly header?: string;
  readonly text?: string;
  readonly base64?: string;
}

interface Cases {
  readonly sensitiveKeys: readonly string[];
  readonly plainKeys: readonly string[];
  readonly leak: readonly (Case & { readonly secret: string })[];
  readonly keep: readonly (Case & { readonly value: string })[];
}

const cases = JSON.parse(readFileSync(join(__dirname, '../../../../test/fixtures/redaction-own-cases.json'), 'utf8')) as Cases;
const redactor = createRedactor();

function redact(test: Case, length?: number): string {
  const text = test.text ?? '';
  if (test.via === 'header') return redactor.header(test.header ?? '', text);
  if (test.via !== 'body') return redactor[test.via](text);
  const bytes = test.base64 === undefined ? Buffer.from(text) : Buffer.from(test.base64, 'base64');
  const body = redactor.body({ bytes: bytes.subarray(0, length), contentType: test.contentType, truncated: length !== undefined });
  if ('text' in body && body.format === 'json') JSON.parse(body.text);
  return 'text' in body ? body.text : '';
}

describe('redaction by every door', () => {
  for (const test of cases.leak) {
    it(`hides: ${test.via} ${test.name}`, () => {
      const redacted = redact(test);
      assert.ok(!redacted.includes(test.secret), redacted);
      if (test.via !== 'body') assert.equal(redact({ ...test, text: redacted }), redacted, 'redacted twice');
    });
  }

  it('hides the beginning of a secret wherever a body is cut', () => {
    const leaks: string[] = [];
    for (const test of cases.leak) {
      if (test.via !== 'body' || test.text === undefined) continue;
      for (let length = 1; length < test.text.length; length++) {
        const redacted = redact(test, length);
        if (redacted.includes(test.secret.slice(0, 8))) leaks.push(`${test.contentType} ${test.name} at ${length}: ${redacted}`);
      }
    }
    assert.deepEqual(leaks, []);
  });

  for (const test of cases.keep) {
    it(`keeps: ${test.via} ${test.name}`, () => {
      const redacted = redact(test);
      assert.ok(redacted.includes(test.value), redacted);
      // Cookies and passwords beside what must stay are hidden; all else is the same text.
      if (!redacted.includes('[REDACTED]')) assert.equal(redacted, test.text);
    });
  }
});

describe('the names of keys', () => {
  const secret = 'S3CR3Tvalue77';
  const doors: Readonly<Record<string, (key: string) => string>> = {
    json: (key) => redact({ name: '', via: 'body', contentType: 'application/json', text: JSON.stringify({ [key]: secret }) }),
    'escaped json': (key) => redact({ name: '', via: 'body', contentType: 'application/json', text: `{"${escapeAll(key)}":"${secret}"}` }),
    query: (key) => redactor.query(`a=1&${encodeURIComponent(key)}=${secret}`),
    value: (key) => JSON.stringify(redactor.value({ [key]: secret })),
    pair: (key) => redact({ name: '', via: 'body', contentType: 'application/json', text: JSON.stringify([{ name: key, value: secret }]) }),
    multipart: (key) =>
      redact({
        name: '',
        via: 'body',
        contentType: 'multipart/form-data; boundary=b',
        text: `--b\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${secret}\r\n--b--\r\n`,
      }),
    csv: (key) => redact({ name: '', via: 'body', contentType: 'text/csv', text: `id,${key}\n1,${secret}\n` }),
  };

  for (const [door, redactKey] of Object.entries(doors)) {
    it(`hide what they name: ${door}`, () => {
      assert.deepEqual(
        cases.sensitiveKeys.filter((key) => redactKey(key).includes(secret)),
        [],
      );
    });

    it(`keep what they only tell about: ${door}`, () => {
      assert.deepEqual(
        cases.plainKeys.filter((key) => !redactKey(key).includes(secret) && !(door === 'query' && key === 'signature')),
        [],
      );
    });
  }
});

function escapeAll(text: string): string {
  let escaped = '';
  for (let index = 0; index < text.length; index++) escaped += `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`;
  return escaped;
}
