import assert from 'node:assert/strict';
import { chmodSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord, JournalledRecord } from '../../../src/record.js';
import { createOpening } from '../../../src/subjects/opening.js';
import { createSealing } from '../../../src/subjects/sealing.js';
import { anyRecord } from '../../../src/testing/any-record.js';
import { chained, exampleRecord } from '../../../src/testing/records.js';
import { makeDirectory } from '../../support/waiting.js';

function keyDirectory(t: TestContext): string {
  const directory = makeDirectory();
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return path.join(directory, 'keys');
}

function unexpected(error: unknown): never {
  throw error;
}

/** As readers get it: the text of the record is all that they have. */
const stored = (record: AuditRecord): JournalledRecord => JSON.parse(JSON.stringify(record)) as JournalledRecord;

const PERSONAL = exampleRecord(1, {
  actor: { id: 'ada', type: 'user', email: 'ada@secret.example', name: 'Ada Secret', verified: true },
  request: { id: 'r', body: '{"to":"secret"}', bodyFormat: 'json' },
  response: { status: 200, body: 'the secret', bodyFormat: 'text' },
  changes: [
    { table: 'people', operation: 'update', id: 7, before: { name: 'old secret' }, after: { name: 'new secret' }, filter: 'secret' },
  ],
});

describe('sealing', () => {
  it('hides bodies, names and rows of any record, and opening brings each back', (t) => {
    const directory = keyDirectory(t);
    const seal = createSealing(directory, unexpected);
    const open = createOpening(directory);
    fc.assert(
      fc.property(anyRecord, fc.string({ unit: 'binary' }), (record, name) => {
        const personal = { ...record, actor: { ...record.actor, name: name.toWellFormed(), type: 'user' } };
        assert.deepEqual(stored(open(stored(seal(personal)))), stored(personal));
      }),
      { numRuns: 300 },
    );
    assert.doesNotMatch(JSON.stringify(seal(PERSONAL)), /secret/i);
  });

  it('leaves the id, and what is counted and searched by, readable', (t) => {
    const sealed = createSealing(keyDirectory(t), unexpected)(PERSONAL);
    assert.equal(sealed.actor.id, 'ada');
    assert.deepEqual([sealed.action, sealed.target, sealed.response?.status], [PERSONAL.action, PERSONAL.target, 200]);
    assert.deepEqual(
      sealed.changes?.map(({ table, operation, id }) => ({ table, operation, id })),
      [{ table: 'people', operation: 'update', id: 7 }],
    );
    assert.equal(sealed.request?.bodyFormat, 'text');
  });

  it('makes the same of the same record, and different texts of equal ones in others', (t) => {
    const seal = createSealing(keyDirectory(t), unexpected);
    assert.deepEqual(seal(PERSONAL), seal(PERSONAL));
    assert.notEqual(seal({ ...PERSONAL, id: exampleRecord().id }).actor.name, seal(PERSONAL).actor.name);
  });

  it('has a key of its own for each person, for nobody else to read, and none for nobody', (t) => {
    const directory = keyDirectory(t);
    const seal = createSealing(directory, unexpected);
    seal(exampleRecord(1));
    seal(exampleRecord(2));
    const anonymous = exampleRecord(3, { actor: { id: 'anonymous', type: 'anonymous', verified: false } });
    assert.deepEqual(seal(anonymous), anonymous);
    // Claimed by a token, as its id shows.
    const claimed = exampleRecord(4, { actor: { id: 'eve', type: 'anonymous', email: 'eve@x.example', verified: false } });
    assert.notEqual(seal(claimed).actor.email, 'eve@x.example');
    assert.equal(readdirSync(directory).length, 3);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    for (const name of readdirSync(directory)) assert.equal(statSync(path.join(directory, name)).mode & 0o777, 0o600);
  });

  it('withholds what it has no key for, says why, and begins to seal when it has one', (t) => {
    const directory = keyDirectory(t);
    const faults: string[] = [];
    const seal = createSealing(directory, (error) => faults.push(String(error)));
    writeFileSync(directory, '');
    const withheld = seal(PERSONAL);
    assert.doesNotMatch(JSON.stringify(withheld), /secret/i);
    assert.deepEqual([withheld.request?.bodyOmitted, withheld.response?.bodyOmitted], ['key', 'key']);
    assert.match(faults.join(), /AUDIT_SUBJECT_KEYS/);
    rmSync(directory);
    assert.match(seal(PERSONAL).actor.name ?? '', /^enc:v1:/);
    rmSync(directory, { recursive: true });
    assert.equal(seal(PERSONAL).actor.name, undefined);
    assert.equal(faults.length, 2);
  });

  it('trusts no directory that others can read, nor a link, nor a damaged key', (t) => {
    const directory = keyDirectory(t);
    const faults: string[] = [];
    const fresh = () => createSealing(directory, (error) => faults.push(String(error)));
    fresh()(PERSONAL);
    chmodSync(directory, 0o755);
    assert.equal(fresh()(PERSONAL).actor.name, undefined);
    chmodSync(directory, 0o700);
    symlinkSync(directory, `${directory}-link`);
    assert.equal(createSealing(`${directory}-link`, (error) => faults.push(String(error)))(PERSONAL).actor.name, undefined);
    writeFileSync(path.join(directory, readdirSync(directory)[0] ?? ''), 'short');
    assert.equal(fresh()(PERSONAL).actor.name, undefined);
    assert.match(faults.join('\n'), /mode 0700[\s\S]*is a link[\s\S]*is damaged/);
  });
});

describe('opening', () => {
  it('says what has no key here, or was altered, and touches nothing else', (t) => {
    const directory = keyDirectory(t);
    const seal = createSealing(directory, unexpected);
    const sealed = stored(seal(PERSONAL));
    assert.equal(createOpening(`${directory}-elsewhere`)(sealed).actor.name, '[encrypted: its key is not in AUDIT_SUBJECT_KEYS]');
    const swapped = { ...sealed, actor: { ...sealed.actor, name: sealed.actor.email } };
    assert.equal(createOpening(directory)(swapped).actor.name, '[encrypted: does not fit its key]');
    for (const odd of ['enc:v1:../../../../etc/passwd:AAAA', 'enc:v1:x:AAAA', 'enc:v1:', 'plain']) {
      const record = { ...sealed, actor: { ...sealed.actor, name: odd } };
      assert.doesNotThrow(() => createOpening(directory)(record));
    }
    const [plain] = chained([exampleRecord(5)]);
    assert.ok(plain);
    assert.deepEqual(stored(createOpening(directory)(plain)), stored(plain));
  });
});
