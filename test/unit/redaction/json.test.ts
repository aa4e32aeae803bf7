/** JSON as the grammar allows it, as it does not, and as parsers differ about it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRedactor } from '../../../src/redaction/index.js';
import type { RedactedBody } from '../../../src/redaction/redactor.js';

const redactor = createRedactor();

function redact(body: string | Uint8Array, truncated = false): RedactedBody {
  return redactor.body({ bytes: typeof body === 'string' ? Buffer.from(body) : body, contentType: 'application/json', truncated });
}

/** `several`: values one after another are taken as lines of JSON, for services take them so. */
interface Cases {
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
  readonly several: readonly string[];
}

const cases = JSON.parse(readFileSync(join(__dirname, '../../../../test/fixtures/json-cases.json'), 'utf8')) as Cases;

describe('JSON', () => {
  for (const text of cases.valid) {
    it(`is copied as it is: ${JSON.stringify(text)}`, () => {
      JSON.parse(text);
      assert.deepEqual(redact(text), { text, format: 'json', truncated: false });
    });
  }

  for (const text of cases.invalid) {
    it(`is not kept when broken: ${JSON.stringify(text)}`, () => {
      const body = redact(text);
      if (text === '') assert.deepEqual(body, { text: '', format: 'text', truncated: false });
      else assert.deepEqual(body, { omitted: 'unparsable' });
    });
  }

  for (const text of cases.several) {
    it(`is kept as text when several follow each other: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(redact(text), { text, format: 'text', truncated: false });
    });
  }

  it('is closed wherever it is cut', () => {
    for (const text of cases.valid) {
      const bytes = Buffer.from(text);
      for (let length = 1; length < bytes.length; length++) {
        const body = redact(bytes.subarray(0, length), true);
        if ('format' in body && body.format === 'json')
          assert.doesNotThrow(() => JSON.parse(body.text), `${text} at ${length}: ${body.text}`);
        assert.ok(!('text' in body) || body.truncated);
      }
    }
  });

  it('keeps the beginning of what is cut', () => {
    const expectations: readonly (readonly [string, string])[] = [
      ['{"a":1,"b":"hel', '{"a":1,"b":"hel"}'],
      ['{"a":1,"b":', '{"a":1}'],
      ['{"a":1,"b', '{"a":1}'],
      ['{"a":1,', '{"a":1}'],
      ['{"a":12', '{"a":null}'],
      ['{"a":tr', '{"a":null}'],
      ['[[1,{"a":[2', '[[1,{"a":[null]}]]'],
      ['["a\\', '["a"]'],
      ['["a\\u00', '["a"]'],
      ['["a\\ud83d', '["a"]'],
      ['["a\\ud83d\\u', '["a"]'],
      ['["\\\\', '["\\\\"]'],
      ['{', '{}'],
      ['["pay 4111 1111 11', '["pay [REDACTED]"]'],
      ['["see eyJhbGci', '["see [REDACTED]"]'],
      ['["x sk_live_ab', '["x [REDACTED]"]'],
      ['["http://u:pass', '["http://u:[REDACTED]"]'],
      ['["http://exam', '["http://[REDACTED]"]'],
    ];
    for (const [text, expected] of expectations)
      assert.deepEqual(redact(text, true), { text: expected, format: 'json', truncated: true }, text);
    assert.deepEqual(redact(Buffer.from('["é"]').subarray(0, 3), true), { text: '[""]', format: 'json', truncated: true });
  });

  it('has no NUL and no lone surrogate, escaped or raw, and every other escape as it was', () => {
    const expectations: readonly (readonly [string, string])[] = [
      ['["a\\u0000\\/\\u00e9"]', '["a\ufffd\\/\\u00e9"]'],
      ['["\\ud800"]', '["\ufffd"]'],
      ['["\\udc00\\ud800x\\ud83d\\ude00"]', '["\ufffd\ufffdx\\ud83d\\ude00"]'],
      ['{"\\u0000k":1}', '{"\ufffdk":1}'],
      ['["\0"]', '["\ufffd"]'],
      ['["a\nb"]', '["a\\nb"]'],
      ['["\\\\u0000"]', '["\\\\u0000"]'],
    ];
    for (const [text, expected] of expectations) assert.deepEqual(redact(text), { text: expected, format: 'json', truncated: false }, text);
  });

  it('is read in UTF-8, UTF-16 and UTF-32, with and without a byte order mark', () => {
    const text = '{"é":"😀","password":"x"}';
    const expected = { text: '{"é":"😀","password":"[REDACTED]"}', format: 'json', truncated: false };
    const little = Buffer.from(text, 'utf16le');
    const wide = Buffer.alloc([...text].length * 4);
    [...text].forEach((character, index) => {
      wide.writeUInt32LE(character.codePointAt(0) ?? 0, index * 4);
    });
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\ufeff${text}`),
      little,
      Buffer.from(`\ufeff${text}`, 'utf16le'),
      Buffer.from(little).swap16(),
      wide,
      Buffer.from(wide).swap32(),
    ]) {
      assert.deepEqual(redact(bytes), expected);
    }
  });

  it('survives bytes that are no text', () => {
    assert.deepEqual(redact(Buffer.from([0x5b, 0x22, 0xff, 0xc3, 0x22, 0x5d])), {
      text: '["\ufffd\ufffd"]',
      format: 'json',
      truncated: false,
    });
    assert.deepEqual(redact(Buffer.from([0xff, 0xd8, 0xff, 0xe0])), { omitted: 'unparsable' });
  });

  it('nested 10 000 deep or a million wide is bounded, and hides what is too deep', () => {
    const deep = `${'{"a":'.repeat(10_000)}{"password":"S3CR3T","b":"deep"}${'}'.repeat(10_000)}`;
    const body = redact(deep);
    assert.ok('text' in body && !body.text.includes('S3CR3T') && !body.text.includes('deep'));
    JSON.parse(body.text);
    for (const text of ['['.repeat(100_000), '{"a":'.repeat(100_000)]) assert.ok('text' in redact(text, true));
    const wide = `[${'1,'.repeat(1_000_000)}{"password":"S3CR3T"}]`;
    const wideBody = redact(wide);
    assert.ok('text' in wideBody && !wideBody.text.includes('S3CR3T') && wideBody.text.length > 2_000_000);
  });

  it('hides the whole value of a sensitive key, whatever it is, and both of two equal keys', () => {
    for (const value of ['"x"', '1', 'true', 'null', '{"a":[1,{"b":"}"}]}', '["]",{"c":"\\"}"}]', '1e9']) {
      assert.deepEqual(redact(`{"a" : 1, "password" : ${value} ,"b":[2]}`), {
        text: '{"a" : 1, "password" : "[REDACTED]" ,"b":[2]}',
        format: 'json',
        truncated: false,
      });
    }
    assert.deepEqual(redact('{"pin":1,"pin":"2"}'), { text: '{"pin":"[REDACTED]","pin":"[REDACTED]"}', format: 'json', truncated: false });
  });
});
