/** What must hold for any input: no planted secret comes out, valid JSON stays valid, twice is the same as once, never a throw. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../../../src/redaction/index.js';
import type { RedactedBody } from '../../../src/redaction/redactor.js';

const redactor = createRedactor();
const RUNS = { numRuns: Number(process.env.REDACTION_RUNS ?? 300) };
/** Text that no rule finds by its look, so that only its place can give it away. */
const CANARY = 'canary';
const SENSITIVE_KEYS = [
  'password',
  'userPassword',
  'API_KEY',
  'client-secret',
  'accessToken',
  'ssn',
  'cvv',
  'ｐassword',
  'pass\u200bword',
  'session.id',
  'tokens',
];

const key = fc.oneof(
  fc.constantFrom('a', 'name', 'value', 'id', 'type', 'key', 'data', 'note', 'x y', 'ключ', '"', '\\', ''),
  fc.string({ maxLength: 6 }),
);
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ maxLength: 12 }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(true, false, null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
}));

function redact(text: string | Uint8Array, contentType: string | undefined, truncated = false): RedactedBody {
  return redactor.body({ bytes: typeof text === 'string' ? Buffer.from(text) : text, contentType, truncated });
}

function textOf(body: RedactedBody): string {
  return 'text' in body ? body.text : '';
}

/** The value with a secret somewhere in it: under a sensitive key, in a pair, in nested formats. */
const planted = fc
  .tuple(
    plain.value,
    fc.constantFrom(...SENSITIVE_KEYS),
    fc.constantFrom('member', 'deep', 'pair', 'pairBefore', 'tuple', 'string', 'base64', 'form', 'url', 'xml', 'graphql'),
    fc.array(fc.constantFrom('object', 'list', 'string'), { maxLength: 4 }),
  )
  .map(([beside, name, way, wraps]) => {
    let value: unknown = plant(way, name, beside);
    for (const wrap of wraps)
      value =
        wrap === 'object' ? { a: beside, b: value } : wrap === 'list' ? [value] : wrap === 'string' ? { s: JSON.stringify(value) } : value;
    return { text: JSON.stringify(value), way };
  });

function plant(way: string, name: string, beside: unknown): unknown {
  const ascii = name.replace(/[^\x20-\x7e]/g, '').replace(/^assword/, 'password');
  switch (way) {
    case 'deep':
      return { [name]: [{ x: [CANARY, beside] }] };
    case 'pair':
      return { name, other: 1, value: CANARY };
    case 'pairBefore':
      return { value: CANARY, name };
    case 'tuple':
      return [[name, CANARY]];
    case 'string':
      return { note: JSON.stringify({ [name]: CANARY }) };
    case 'base64':
      return { note: Buffer.from(JSON.stringify({ [name]: CANARY })).toString('base64') };
    case 'form':
      return { note: `a=1&${encodeURIComponent(name)}=${CANARY}` };
    case 'url':
      return { note: `https://h.example/p?${encodeURIComponent(name)}=${CANARY}#x` };
    case 'xml':
      return { note: `<a><p name="${ascii}" value="${CANARY}"/></a>` };
    case 'graphql':
      return { query: `mutation { set(input: { ${ascii.replace(/\W/g, '_')}: "${CANARY}" }) { id } }` };
    default:
      return { a: beside, [name]: CANARY, z: beside };
  }
}

describe('redaction', () => {
  it('lets no planted secret out of JSON', () => {
    fc.assert(
      fc.property(planted, ({ text }) => !textOf(redact(text, 'application/json')).includes(CANARY)),
      RUNS,
    );
  });

  it('lets no planted secret out of JSON that is cut anywhere, and closes it', () => {
    fc.assert(
      fc.property(planted, fc.double({ min: 0, max: 1, noNaN: true }), ({ text }, where) => {
        const bytes = Buffer.from(text);
        const body = redact(bytes.subarray(0, Math.floor(bytes.length * where)), 'application/json', true);
        assert.ok(!textOf(body).includes(CANARY), textOf(body));
        if ('format' in body && body.format === 'json') JSON.parse(body.text);
      }),
      RUNS,
    );
  });

  it('answers JSON with JSON that differs only where something is hidden', () => {
    fc.assert(
      fc.property(plain.value, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const body = redact(text, 'application/json');
        assert.ok('format' in body && body.format === 'json');
        JSON.parse(body.text);
        if (!body.text.includes('[REDACTED]') && !body.text.includes('\ufffd')) assert.equal(body.text, text);
      }),
      RUNS,
    );
  });

  it('changes nothing that it has redacted before', () => {
    fc.assert(
      fc.property(planted, fc.constantFrom('application/json', 'text/plain', undefined), ({ text }, contentType) => {
        const once = textOf(redact(text, contentType));
        assert.equal(textOf(redact(once, contentType)), once);
      }),
      RUNS,
    );
  });

  it('never throws, whatever the bytes, the type and the cut', () => {
    const types = fc.constantFrom(
      'application/json',
      'text/plain',
      'application/xml',
      'text/csv',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/graphql',
      'text/html',
      'application/json; charset=utf-16',
      'x',
      undefined,
    );
    const pieces = fc
      .array(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          '"',
          ':',
          ',',
          '\\',
          '\\u00',
          'password',
          '=',
          '&',
          '<',
          '>',
          '</a>',
          '<a b="',
          '--x\r\n',
          '\r\n\r\n',
          'name="a"',
          '%7B',
          '1',
          '-',
          'e',
          'eyJ',
          '.',
          '//',
          '@',
          '-----BEGIN ',
          ' is ',
          '"""',
          '#',
          '$',
          '(',
          '\n',
          '|',
          ';',
          'é',
          '\ud83d\ude00',
          '\0',
        ),
        { maxLength: 24 },
      )
      .map((list) => Buffer.from(list.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), pieces), types, fc.boolean(), (bytes, contentType, truncated) => {
        const body = redact(bytes, contentType, truncated);
        if (!('text' in body)) return;
        assert.ok(!body.text.includes('\0') && !/\p{Cs}/u.test(body.text));
        if (body.format === 'json') JSON.parse(body.text);
      }),
      { numRuns: RUNS.numRuns * 5 },
    );
  });

  it('never throws on any text, path, query, header or value, and is stable', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: 'binary' }), (text) => {
        for (const redactOne of [
          redactor.text,
          redactor.query,
          redactor.path,
          (value: string) => redactor.header('x-a', value),
          (value: string) => redactor.header('cookie', value),
        ]) {
          const once = redactOne(text);
          assert.equal(redactOne(once), once);
        }
      }),
      RUNS,
    );
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (value) => {
          JSON.stringify(redactor.value(value));
        },
      ),
      RUNS,
    );
  });
});
