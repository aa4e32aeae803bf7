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

const own = read('redaction-own-cases.json') as Cases;
const more = read('redaction-more-cases.json') as Pick<Cases, 'leak' | 'keep'>;
const cases: Cases = { ...own, leak: [...own.leak, ...more.leak], keep: [...own.keep, ...more.keep] };
const redactor = createRedactor();

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(__dirname, '../../../../test/fixtures', name), 'utf8'));
}

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

describe('values of the API', () => {
  const secret = 'Hunter2xQ9';
  const values: Readonly<Record<string, unknown>> = {
    map: new Map([['token', secret]]),
    set: { a: new Set([`password=${secret}`]) },
    headers: { headers: new Headers({ authorization: secret }) },
    url: { url: new URL(`https://a:${secret}@h/?token=${secret}`) },
    parameters: { parameters: new URLSearchParams(`token=${secret}`) },
    error: { error: Object.assign(new Error(`password=${secret}`), { token: secret }) },
    buffer: { buffer: Buffer.from(`{"password":"${secret}"}`) },
    'own JSON': { toJSON: () => ({ password: secret }) },
    tuple: [['password', secret]],
    getter: {
      get password() {
        return secret;
      },
    },
    'raw headers': { rawHeaders: ['Authorization', secret, 'x', 'y'] },
    'command line': { argv: ['--token', secret] },
    'boxed string': { text: new String(`password=${secret}`) },
  };
  for (const [name, value] of Object.entries(values)) {
    it(`hide: ${name}`, () => assert.ok(!JSON.stringify(redactor.value(value)).includes(secret)));
  }
});

describe('a name and a value that nothing but their places join', () => {
  const secret = 'S3CR3Tvalue77';
  const bodies: readonly (readonly [string, string])[] = [
    ['text/plain', `the password you asked for: ${secret}`],
    ['text/plain', `login bob pwd/${secret}`],
    ['text/csv', `bob,password,${secret}`],
    ['text/csv', `bob,password,${secret}\nann,token,abcd1234\n`],
    ['application/json', JSON.stringify({ id: 'password', answer: secret })],
    ['application/xml', `<entry><string>password</string><string>${secret}</string></entry>`],
    ['application/xml', `<string>password</string><string>${secret}</string>`],
    ['text/html', `<tr><td>Password</td><td>${secret}</td></tr>`],
    ['text/html', `<dl><dt>API key</dt><dd><b>${secret}`],
  ];
  for (const [contentType, text] of bodies) {
    for (const via of ['whole', 'cut'] as const) {
      it(`hides: ${text}, ${via}`, () => {
        const bytes = Buffer.from(via === 'cut' ? text.slice(0, text.indexOf(secret) + 12) : text);
        const redacted = redactor.body({ bytes, contentType, truncated: via === 'cut' });
        assert.ok('text' in redacted && !redacted.text.includes(secret.slice(0, 12)), JSON.stringify(redacted));
      });
    }
  }

  const plain: readonly (readonly [string, string])[] = [
    ['text/plain', 'see docs/password/reset, token/v2 and password/secret'],
    ['text/plain', 'The token you sent expired at: 2026-03-01T12:34:56Z'],
    ['text/csv', 'id,kind,at\n1,password,2026-01-01\n2,password,ada@example.com\n'],
    ['text/csv', 'name,password,address1\nbob,,Main St\n'],
    ['application/xml', '<fields><i>password</i><i>email</i><i>name</i></fields>'],
  ];
  for (const [contentType, text] of plain) {
    it(`keeps: ${text.trim()}`, () =>
      assert.equal((redactor.body({ bytes: Buffer.from(text), contentType, truncated: false }) as { text?: string }).text, text));
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
