import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rememberTexts } from '../../../src/capture/remembering.js';
import { createRedactor } from '../../../src/redaction/index.js';
import type { Redactor } from '../../../src/redaction/redactor.js';

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;
const redactor = createRedactor();

function counted(): { remembering: Redactor; calls: () => number } {
  let calls = 0;
  const text = (value: string): string => {
    calls += 1;
    return redactor.text(value);
  };
  const header = (name: string, value: string): string => {
    calls += 1;
    return redactor.header(name, value);
  };
  return { remembering: rememberTexts({ ...redactor, text, header }), calls: () => calls };
}

describe('a remembering redactor', () => {
  it('answers as the other does, the first time, again, and after its memory was emptied', () => {
    const { remembering } = counted();
    const texts = Array.from({ length: 1200 }, (_, nth) => (nth % 3 === 0 ? `Bearer ${TOKEN}` : `agent/${nth} (token=${nth}secret)`));
    for (const text of [...texts, ...texts]) {
      assert.equal(remembering.text(text), redactor.text(text));
      for (const name of ['accept', 'authorization']) assert.equal(remembering.header(name, text), redactor.header(name, text));
    }
  });

  it('looks once at what comes again, and separately by header', () => {
    const { remembering, calls } = counted();
    for (let nth = 0; nth < 5; nth += 1) {
      remembering.text('Mozilla/5.0');
      remembering.header('accept', 'Mozilla/5.0');
      remembering.header('x-api-key', 'Mozilla/5.0');
    }
    assert.equal(calls(), 3);
  });

  it('remembers nothing long', () => {
    const { remembering, calls } = counted();
    for (let nth = 0; nth < 3; nth += 1) remembering.text('long '.repeat(200));
    assert.equal(calls(), 3);
  });
});
