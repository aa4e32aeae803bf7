import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileGlob } from '../../../src/capture/glob.js';

/** By its definition, character by character. */
function matches(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob.startsWith('**')) return matches(glob.slice(2), text) || (text !== '' && matches(glob, text.slice(1)));
  if (glob.startsWith('*')) return matches(glob.slice(1), text) || (text !== '' && text[0] !== '/' && matches(glob, text.slice(1)));
  return text !== '' && glob[0] === text[0] && matches(glob.slice(1), text.slice(1));
}

describe('a glob', () => {
  it('matches what its definition says', () => {
    const glob = fc
      .string({ unit: fc.constantFrom('a', 'b', '/', '*', '**', '.', '+', '('), maxLength: 8 })
      .filter((text) => !text.includes('***'));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '\n', '*', '+', '('), maxLength: 10 });
    fc.assert(
      fc.property(glob, text, (one, other) => assert.equal(compileGlob(one).test(other), matches(one, other))),
      { numRuns: 5000 },
    );
  });

  it('matches a long text as it matches a short one', () => {
    const glob = fc.string({ unit: fc.constantFrom('a', '/', '*', '**'), maxLength: 8 }).filter((text) => !text.includes('***'));
    fc.assert(
      fc.property(glob, fc.nat(3), (one, tail) => {
        const text = `${'a'.repeat(5000)}${'/a'.repeat(tail)}`;
        // Runs of one letter: what matches 5,000 of them matches 20 with as many letters of its own, at most 8.
        assert.equal(compileGlob(`${one}**`).test(text), matches(`${one}**`, `${'a'.repeat(20)}${'/a'.repeat(tail)}`));
      }),
    );
  });

  it('is not slowed down by a path made for it', () => {
    const started = performance.now();
    for (const glob of ['/**/a/**/b', '/**/a/**/a/**/b', '/*a*a*a*b', '/**a**a**a**b']) {
      for (const text of ['/a'.repeat(8000), `/${'a'.repeat(16_000)}`]) assert.equal(compileGlob(glob).test(text), false);
    }
    assert.ok(performance.now() - started < 2000);
  });
});
