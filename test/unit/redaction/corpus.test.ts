/** The public corpus of bypasses and over-redactions, as it is, cut everywhere, and in other formats. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRedactor } from '../../../src/redaction/index.js';
import type { RedactedBody } from '../../../src/redaction/redactor.js';

interface Corpus {
  readonly leak: readonly { readonly name: string; readonly contentType: string; readonly body: string; readonly secret: string }[];
  readonly keep: readonly { readonly name: string; readonly contentType: string; readonly body: string; readonly value: string }[];
}

const corpus = JSON.parse(readFileSync(join(__dirname, '../../../../test/fixtures/redaction-cases.json'), 'utf8')) as Corpus;
const redactor = createRedactor();

function redact(body: string | Buffer, contentType: string | undefined, truncated = false): RedactedBody {
  return redactor.body({ bytes: Buffer.from(body as string), contentType, truncated });
}

function textOf(body: RedactedBody): string {
  return 'text' in body ? body.text : '';
}

describe('the corpus', () => {
  for (const { name, contentType, body, secret } of corpus.leak) {
    it(`hides: ${name}`, () => {
      const redacted = redact(body, contentType);
      assert.ok('text' in redacted, 'the body is kept');
      assert.ok(!redacted.text.includes(secret), redacted.text);
    });

    it(`hides, cut anywhere: ${name}`, () => {
      const bytes = Buffer.from(body);
      for (let length = 1; length < bytes.length; length++) {
        const redacted = redact(bytes.subarray(0, length), contentType, true);
        const text = textOf(redacted);
        // Eight characters: fewer may be anyone's, and the first six digits of a card name its bank.
        assert.ok(!text.includes(secret.slice(0, 8)), `${length}: ${text}`);
        if ('format' in redacted && redacted.format === 'json') assert.doesNotThrow(() => JSON.parse(text), `${length}: ${text}`);
      }
    });
  }

  for (const { name, contentType, body, value } of corpus.keep) {
    it(`keeps: ${name}`, () => {
      const redacted = redact(body, contentType);
      assert.deepEqual(redacted, { text: body, format: 'json', truncated: false });
      assert.ok(textOf(redacted).includes(value));
    });
  }
});
