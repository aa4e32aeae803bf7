import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalize } from '../../../src/canonical.js';
import { encodeLine, GENESIS_HASH, verifyLine } from '../../../src/journal/chain.js';
import { readWholeLine, type WholeRecord } from '../../../src/journal/whole-line.js';
import { anyRecord } from '../../../src/testing/any-record.js';
import { exampleRecord } from '../../../src/testing/records.js';

const LINK = { epoch: 1, seq: 7, prevHash: GENESIS_HASH, stream: '01890000-0000-7000-8000-000000000000' };

/** Among other lines, as in a file. */
function read(line: string): WholeRecord | undefined {
  const before = `${encodeLine(exampleRecord(1), LINK).line}\n`;
  const bytes = Buffer.from(`${before}${line}\n${before}`);
  const from = Buffer.byteLength(before);
  return readWholeLine({ bytes, latin1: bytes.toString('latin1') }, from, from + Buffer.byteLength(line));
}

function agrees(line: string): boolean {
  const whole = read(line);
  if (whole === undefined) return true;
  const verified = verifyLine(line);
  assert.ok('record' in verified, line);
  const { id, kind, observedTime, integrity } = verified.record;
  assert.deepEqual(whole, { id, kind, observedTime, integrity });
  return true;
}

test('tells what a parsed line tells, without parsing it', () => {
  for (const prevHash of [GENESIS_HASH, 'a'.repeat(64)]) {
    const { line, hash } = encodeLine(exampleRecord(3, { action: 'größer 🎉' }), { ...LINK, prevHash });
    assert.deepEqual(read(line)?.integrity, { ...LINK, prevHash, hash });
    assert.ok(agrees(line));
  }
});

test('never takes a line for whole that parsing does not', () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(), fc.integer({ min: 32, max: 126 }), (record, place, code) => {
      const { line } = encodeLine(record, LINK);
      const at = place % line.length;
      return agrees(line) && agrees(line.slice(0, at) + String.fromCharCode(code) + line.slice(at + 1));
    }),
    { numRuns: 500 },
  );
});

test('does not take members of the service for its own', () => {
  const integrity = { epoch: 1, hash: 'b'.repeat(64), prevHash: 'c'.repeat(64), seq: 99, stream: 'x' };
  const decoy = { id: 'x', integrity, kind: 'http', observedTime: '2030-01-01T00:00:00.000Z' };
  for (const record of [
    exampleRecord(1, { changes: [decoy] }),
    exampleRecord(1, { metadata: decoy }),
    exampleRecord(1, { metadata: { decoy } }),
  ]) {
    const { line } = encodeLine(record, LINK);
    assert.ok('record' in verifyLine(line));
    assert.equal(read(line), undefined);
  }
});

test('does not take a member that was added for one that was hashed', () => {
  const { line } = encodeLine(exampleRecord(1), LINK);
  assert.equal(read(line.replace('{"action"', '{"aaa":1,"action"')), undefined);
  assert.equal(read(canonicalize({ ...JSON.parse(line), zzz: 1 })), undefined);
});
