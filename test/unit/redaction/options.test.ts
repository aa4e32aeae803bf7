/** What can be configured, and that a wrong option is refused with all others. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedactor, type RedactionOptions } from '../../../src/redaction/index.js';

function json(options: RedactionOptions, value: unknown): unknown {
  const body = createRedactor(options).body({
    bytes: Buffer.from(JSON.stringify(value)),
    contentType: 'application/json',
    truncated: false,
  });
  assert.ok('text' in body);
  return JSON.parse(body.text);
}

const M = '[REDACTED]';

describe('redaction options', () => {
  it('add fields as word sequences', () => {
    assert.deepEqual(json({ fields: ['badge_number', 'shoeSize'] }, { userBadgeNumber: 1, 'shoe-size': 2, badge: 3 }), {
      userBadgeNumber: M,
      'shoe-size': M,
      badge: 3,
    });
  });

  it('remove defaults', () => {
    assert.deepEqual(json({ remove: ['session', 'iban'] }, { session: 'a', userSession: 'b', iban: 'c', token: 'd' }), {
      session: 'a',
      userSession: 'b',
      iban: 'c',
      token: M,
    });
  });

  it('allow sensitive keys by path only', () => {
    const value = { order: { token: 'a', items: [{ pin: 1 }, { pin: 2 }] }, token: 'b' };
    assert.deepEqual(json({ allow: ['$.order.token', '$.order.items[*].pin'] }, value), { ...value, token: M });
    assert.deepEqual(json({ allow: ['$.order.items[1].pin'] }, value), { order: { token: M, items: [{ pin: M }, { pin: 2 }] }, token: M });
    assert.deepEqual(json({ allow: ['$..pin'] }, value), { order: { token: M, items: [{ pin: 1 }, { pin: 2 }] }, token: M });
  });

  it('choose an action per rule', () => {
    const options: RedactionOptions = {
      hashKey: 'a key of some length',
      rules: [
        { fields: ['password'], action: 'drop' },
        { fields: ['card number'], action: 'last4' },
        { fields: ['ssn'], action: 'hash' },
        { fields: ['nickname'], action: 'truncate', keep: 2 },
      ],
    };
    const result = json(options, {
      password: 'a',
      cardNumber: '1234567890123',
      ssn: '536-90-4399',
      nickname: 'someone',
      b: { c: 1, password: 2 },
      d: { password: 3 },
    }) as Record<string, unknown>;
    assert.deepEqual({ ...result, ssn: '' }, { cardNumber: '****0123', ssn: '', nickname: 'so…', b: { c: 1 }, d: {} });
    assert.match(String(result.ssn), /^\[HMAC [0-9a-f]{64}\]$/);
    assert.deepEqual(json(options, result), result);
  });

  it('drop members wherever their commas are, also in cut bodies', () => {
    const redactor = createRedactor({ rules: [{ fields: ['x'], action: 'drop' }] });
    const text = '{"x":1,"a":2,"x":3,"x":[4],"b":{"x":5},"x":6}';
    for (let length = 1; length <= text.length; length++) {
      const body = redactor.body({
        bytes: Buffer.from(text.slice(0, length)),
        contentType: 'application/json',
        truncated: length < text.length,
      });
      assert.ok('text' in body);
      assert.ok(!body.text.includes('"x"') || length < 3, body.text);
      JSON.parse(body.text);
    }
    assert.deepEqual(json({ rules: [{ fields: ['x'], action: 'drop' }] }, JSON.parse(text)), { a: 2, b: {} });
  });

  it('mask what custom patterns match', () => {
    assert.deepEqual(json({ patterns: ['EMP-\\d{6}', /abc[0-9]+/i] }, { a: 'see EMP-123456', b: 'ABC99 ok' }), {
      a: `see ${M}`,
      b: `${M} ok`,
    });
  });

  it('mask e-mail addresses when asked to', () => {
    assert.deepEqual(json({ email: true }, { a: 'write to ada@example.co.uk.' }), { a: `write to ${M}.` });
    assert.deepEqual(json({}, { a: 'ada@example.com' }), { a: 'ada@example.com' });
  });

  it('ask a function about keys, and mask if it throws', () => {
    const isSensitive = (key: string) => {
      if (key === 'bad') throw new Error('no');
      return key === 'mine';
    };
    assert.deepEqual(json({ isSensitive }, { mine: 1, bad: 2, other: 3 }), { mine: M, bad: M, other: 3 });
  });

  it('let a function rewrite texts, and mask them if it throws or answers no text', () => {
    const rewrite = (text: string) => {
      if (text === 'throw') throw new Error('no');
      return text === 'odd' ? (undefined as unknown as string) : text.replace('bob', 'B');
    };
    assert.deepEqual(json({ rewrite }, { a: 'hi bob', b: 'throw', c: 'odd' }), { a: 'hi B', b: M, c: M });
  });

  it('are all checked, and no value is shown', () => {
    const wrong = {
      fields: [''],
      allow: ['order'],
      rules: [{ fields: ['a'], action: 'hash' }, { action: 'burn' }],
      patterns: ['(a+)+', '('],
      hashKey: 'hunter2',
      email: 'yes',
      nonsense: 1,
    };
    assert.throws(
      () => createRedactor(wrong as unknown as RedactionOptions),
      (error: unknown) => {
        assert.ok(error instanceof TypeError);
        for (const name of [
          'fields',
          'allow[0]',
          'rules[1].action',
          'rules[1].fields',
          'patterns[0]',
          'patterns[1]',
          'hashKey',
          'email',
          'nonsense',
        ])
          assert.ok(error.message.includes(name), name);
        assert.ok(!error.message.includes('hunter2'));
        return true;
      },
    );
  });

  it('refuse patterns that some text makes slow', () => {
    const slow = ['(a+)+', '(a|a)*b', 'a*b', '.*x', '\\w+@', '(a{1,50}){1,50}', '(?=a)b', '(a)\\1', 'a?', '(?<x>a)', 'a{0,100}a{0,100}b'];
    for (const pattern of slow) assert.throws(() => createRedactor({ patterns: [pattern] }), TypeError, pattern);
    const fine = [
      'EMP-\\d{6}',
      'key_[A-Za-z0-9]{16,}',
      'a+',
      '(?:foo|bar)-[0-9]{1,9}',
      '\\bX[0-9]{4}',
      '[\\]a]{2}x?y',
      '\\p{Lu}{3}\\u{41}',
    ];
    for (const pattern of fine) assert.doesNotThrow(() => createRedactor({ patterns: [pattern] }), pattern);
  });
});
