import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalize } from '../../src/canonical.js';
import { ESCAPED, listMembers, MEMBER, MEMBER_SIZE, MemberList } from '../../src/line-members.js';

const BEFORE = '{"a":1}\n';

/** Among other lines, as in a file; each member as `name=value`, objects with the number of their members. Undefined if it is no line. */
function membersOf(text: string | Buffer): { readonly listed: readonly string[]; readonly escaped: number } | undefined {
  const list = new MemberList(0);
  const bytes = Buffer.concat([Buffer.from(BEFORE), Buffer.from(text), Buffer.from('\n{"b":2}')]);
  const escaped = listMembers(bytes, BEFORE.length, BEFORE.length + Buffer.byteLength(text), list);
  if (escaped === undefined) return undefined;
  const listed: string[] = [];
  for (let at = 0; at < list.length; at += MEMBER_SIZE) {
    const place = (which: keyof typeof MEMBER): number => list.numbers[at + MEMBER[which]] as number;
    const name = bytes.toString('utf8', place('nameStart'), place('nameEnd'));
    const value = bytes.toString('utf8', place('valueStart'), place('valueEnd'));
    listed.push(`${name}=${value}${place('inner') === -1 ? '' : ` (${place('inner')})`}`);
  }
  return { listed, escaped };
}

function expected(value: object, depth = 2): readonly string[] {
  const members = value as Readonly<Record<string, unknown>>;
  return Object.keys(members)
    .sort()
    .flatMap((name) => {
      const member = members[name];
      const own = `${JSON.stringify(name).slice(1, -1)}=${canonicalize(member)}`;
      const isObject = depth > 1 && typeof member === 'object' && member !== null && !Array.isArray(member);
      return isObject ? [`${own} (${Object.keys(member).length})`, ...expected(member, depth - 1)] : [own];
    });
}

const anyObject = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 6 });

/** By parsing, and by looking for white space outside of its strings. */
function isLine(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !/\s/.test(text.replace(/"(?:\\.|[^"\\])*"/g, ''));
  } catch {
    return false;
  }
}

test('lists the members of any object, and of those in it', () => {
  fc.assert(fc.property(anyObject, (value) => assert.deepEqual(membersOf(canonicalize(value))?.listed, expected(value))));
});

test('takes for a line what parses and has no white space, and nothing else', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 });
  const anyPlace = fc.nat();
  fc.assert(
    fc.property(anyObject, anyPlace, fc.nat({ max: 3 }), bytes, (value, place, cut, put) => {
      const whole = Buffer.from(canonicalize(value));
      const at = place % (whole.length + 1);
      const altered = Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + cut)]);
      const text = altered.toString('latin1');
      assert.equal(membersOf(altered) !== undefined, isLine(text), text);
    }),
    { numRuns: 3000 },
  );
});

test('knows JSON by its grammar', () => {
  const values = ['0', '-0', '1.5', '-1.5e+7', '2E-3', 'true', 'null', '[]', '{}', '[[],{}]', '"\\u00e9\\n\\\\"', '[{"b":[1,{"c":null}]}]'];
  for (const value of values) assert.ok(membersOf(`{"a":${value}}`), value);
  const faults = [
    '',
    '01',
    '+1',
    '.5',
    '1.',
    '1e',
    'tru',
    'nul',
    'NaN',
    '[1,]',
    '[,1]',
    '{"b"}',
    '{"b":1,}',
    '"\\x"',
    '"\\u12g4"',
    '"a',
    '1 ',
    ' 1',
    '[1}',
  ];
  for (const value of faults) assert.equal(membersOf(`{"a":${value}}`), undefined, value);
  for (const text of ['', '[]', '1', '{', '{"a":1', '{"a":1}}', '{"a":1}{}', '{a:1}', '{"a":"b\u0001"}'])
    assert.equal(membersOf(text), undefined, text);
});

test('is not overwhelmed by depth', () => {
  const deep = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;
  assert.equal(membersOf(`{"metadata":${deep}}`)?.listed[0], `metadata=${deep}`);
  assert.equal(membersOf(`{"metadata":${deep.slice(0, -1)}}`), undefined);
});

test('says which escapes there are', () => {
  assert.equal(membersOf('{"a":"b\\n\\"c\\""}')?.escaped, 0);
  assert.equal(membersOf('{"a":"\\u0001"}')?.escaped, ESCAPED.unicode);
  assert.equal(membersOf('{"a":"\\\\u0000"}')?.escaped, ESCAPED.backslash);
  assert.equal(membersOf('{"a":["\\u0001"],"b":{"c":{"d":"\\\\"}}}')?.escaped, ESCAPED.unicode | ESCAPED.backslash);
});
