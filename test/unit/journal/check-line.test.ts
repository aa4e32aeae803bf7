import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalize } from '../../../src/canonical.js';
import { encodeLine, GENESIS_HASH, sha256, verifyLine } from '../../../src/journal/chain.js';
import { checkLine } from '../../../src/journal/check-line.js';
import { MemberList } from '../../../src/line-members.js';
import type { JournalledRecord } from '../../../src/record.js';
import { anyRecord } from '../../../src/testing/any-record.js';
import { exampleRecord } from '../../../src/testing/records.js';

const LINK = { epoch: 1, seq: 7, prevHash: GENESIS_HASH, stream: '01890000-0000-7000-8000-000000000000' };

/** Among other lines, as in a file. */
function check(line: string | Buffer): ReturnType<typeof checkLine> & { readonly isInPlace: boolean } {
  const before = Buffer.from(`${encodeLine(exampleRecord(1), LINK).line}\n`);
  const bytes = Buffer.concat([before, Buffer.from(line), Buffer.from('\n'), before]);
  const checked = checkLine(bytes, before.length, before.length + Buffer.byteLength(line), new MemberList(0));
  return { ...checked, isInPlace: 'line' in checked && checked.line.bytes === bytes };
}

function assertAsVerified(line: string): void {
  const verified = verifyLine(line);
  const checked = check(line);
  if ('fault' in verified) return assert.deepEqual('fault' in checked && checked.fault, verified.fault, line);
  assert.ok('line' in checked, line);
  assert.deepEqual(checked.line.record, verified.record);
  assert.equal(checked.seq, verified.record.integrity.seq);
}

/** With a hash of its own, whatever it is. */
function hashed(text: string): string {
  const hash = sha256(text);
  return text.replace('"epoch":1,', `"epoch":1,"hash":"${hash}",`);
}

test('takes what the journal writes where it lies', () => {
  for (const record of [exampleRecord(3), exampleRecord(4, { action: 'größer 🎉', metadata: { '\u{1f389}': 1, '\uffff': { '"': 2 } } })]) {
    const checked = check(encodeLine(record, LINK).line);
    assert.ok('line' in checked && checked.seq === LINK.seq);
    assert.deepEqual(checked.line.record.metadata, record.metadata);
  }
  assert.ok(check(encodeLine(exampleRecord(3), LINK).line).isInPlace);
});

test('says of any line what parsing it says', () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(), fc.integer({ min: 32, max: 126 }), (record, place, code) => {
      const { line } = encodeLine(record, LINK);
      const at = place % line.length;
      assertAsVerified(line);
      assertAsVerified(line.slice(0, at) + String.fromCharCode(code) + line.slice(at + 1));
      assertAsVerified(line.slice(0, at));
    }),
    { numRuns: 500 },
  );
});

test('does not take members of the service for those of the record', () => {
  const integrity = { epoch: 1, hash: 'b'.repeat(64), prevHash: 'c'.repeat(64), seq: 99, stream: 'x' };
  const decoy = { id: 'x', integrity };
  for (const record of [exampleRecord(1, { changes: [decoy] }), exampleRecord(1, { metadata: decoy })]) {
    const checked = check(encodeLine(record, LINK).line);
    assert.ok(checked.isInPlace && 'seq' in checked && checked.seq === LINK.seq);
  }
});

test('gives a line that means one thing only, however it was written', () => {
  const { hash: _, ...link } = (JSON.parse(encodeLine(exampleRecord(1), LINK).line) as JournalledRecord).integrity;
  const record = { ...exampleRecord(1), integrity: link };
  const canonical = canonicalize(record);
  const twice = hashed(canonical.replace('"kind":', '"action":"a lie","kind":'));
  const spaced = hashed(canonical.replace('"kind":', '"kind": '));
  const inner = hashed(canonical.replace('"actor":{', '"actor":{"type":"a lie",'));
  const spelled = hashed(canonical.replace('"tenant":', '"\\u0074enant":'));
  for (const line of [twice, spaced, inner, spelled]) {
    const checked = check(line);
    assertAsVerified(line);
    if (!('line' in checked)) continue;
    const { bytes, start, end } = checked.line;
    assert.equal(bytes.toString('utf8', start, end), canonicalize(JSON.parse(line)));
  }
});

test('holds the bytes against the hash, not what they decode to', () => {
  const line = Buffer.from(encodeLine(exampleRecord(1, { action: 'größer' }), LINK).line);
  const spoilt = Buffer.from(line.map((byte) => (byte === 0xc3 ? 0xff : byte)));
  assert.ok('fault' in check(spoilt));
});
