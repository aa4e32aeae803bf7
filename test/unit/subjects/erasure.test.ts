import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { erasableKeys, eraseSubject } from '../../../src/subjects/erasure.js';
import { createSubjectKeys, findSubjectKey, type SubjectKey } from '../../../src/subjects/subject-keys.js';
import { makeDirectory } from '../../support/waiting.js';

function keyDirectory(t: TestContext): string {
  const directory = makeDirectory();
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return path.join(directory, 'keys');
}

describe('erasing a person', () => {
  it("destroys the key, and nobody else's", (t) => {
    const directory = keyDirectory(t);
    const keyOf = createSubjectKeys(directory);
    const { id, secret } = keyOf('ada');
    const bob = keyOf('bob');
    assert.deepEqual(erasableKeys(directory, 'ada'), [id]);
    assert.deepEqual(eraseSubject(directory, 'ada'), [id]);
    assert.equal(findSubjectKey(directory, id), 'erased');
    assert.equal((findSubjectKey(directory, bob.id) as SubjectKey).nonceSecret, bob.nonceSecret);
    for (const name of readdirSync(directory)) assert.ok(!readFileSync(path.join(directory, name)).includes(secret.export()), name);
    assert.deepEqual(eraseSubject(directory, 'ada'), []);
    assert.deepEqual(erasableKeys(directory, 'nobody'), []);
  });

  it('gives who comes back another key, also in a process that knew the old one', (t) => {
    const directory = keyDirectory(t);
    const running = createSubjectKeys(directory);
    const before = running('ada');
    eraseSubject(directory, 'ada');
    const after = running('ada');
    assert.notEqual(after.id, before.id);
    assert.notEqual(after.nonceSecret, before.nonceSecret);
    assert.equal(findSubjectKey(directory, before.id), 'erased');
    assert.equal(createSubjectKeys(directory)('ada').id, after.id);
    assert.deepEqual(eraseSubject(directory, 'ada'), [after.id]);
  });

  it('can be repeated after it was cut off, and nobody uses the key meanwhile', (t) => {
    const directory = keyDirectory(t);
    const { id } = createSubjectKeys(directory)('ada');
    // What is there if the process ends behind the tombstone.
    writeFileSync(path.join(directory, `${id}.erased`), '');
    assert.equal(findSubjectKey(directory, id), 'erased');
    const next = createSubjectKeys(directory)('ada').id;
    assert.notEqual(next, id);
    assert.deepEqual(eraseSubject(directory, 'ada'), [id, next]);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith('.key')),
      [],
    );
  });
});

describe('the keys of many persons', () => {
  it('are the same for all who share the directory', (t) => {
    const directory = keyDirectory(t);
    const [one, other] = [createSubjectKeys(directory), createSubjectKeys(directory)];
    for (let n = 0; n < 50; n += 1) assert.equal(one(`user-${n}`).nonceSecret, other(`user-${n}`).nonceSecret);
    assert.equal(readdirSync(directory).length, 50);
  });

  it('are found again when there are more than are held in memory', (t) => {
    const directory = keyDirectory(t);
    const keyOf = createSubjectKeys(directory);
    const first = keyOf('user-0').id;
    for (let n = 1; n <= 10_050; n += 1) keyOf(`user-${n}`);
    assert.equal(keyOf('user-0').id, first);
    assert.equal(readdirSync(directory).length, 10_051);
  });
});
