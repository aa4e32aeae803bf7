import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLease, readLease, refreshLease, takeLease } from '../../../src/journal/lease.js';
import { ownIdentity, type ProcessIdentity } from '../../../src/journal/process-identity.js';
import { makeDirectory } from '../../support/waiting.js';

const own = ownIdentity();

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

test('a running process holds its lease', async () => {
  const directory = makeDirectory();
  createLease(directory, own);
  assert.deepEqual(await readLease(directory, own, Date.now()), { generation: 1, dead: false });
});

test('a process that ended does not, nor does one whose pid is used again', async () => {
  const gone: ProcessIdentity[] = [
    { ...own, pid: await deadPid() },
    { ...own, startTime: '1' },
  ];
  for (const identity of gone) {
    const directory = makeDirectory();
    createLease(directory, identity);
    assert.equal((await readLease(directory, own, Date.now()))?.dead, true);
  }
});

const elsewhere: ProcessIdentity = { ...own, pid: 1, startTime: '1', host: 'elsewhere' };
/** Where processes tell when they started, one that could not find out may have had a pid that is used again. */
const { startTime, ...unknown } = own;

const judgedByAge = {
  'of another host or container': elsewhere,
  ...(startTime === undefined ? {} : { 'that does not know when it started': unknown }),
};

for (const [which, owner] of Object.entries(judgedByAge)) {
  test(`a process ${which} is dead after two minutes without a heartbeat`, async () => {
    const directory = makeDirectory();
    createLease(directory, owner);
    const now = Date.now();
    assert.equal((await readLease(directory, own, now + 60_000))?.dead, false);
    assert.equal((await readLease(directory, own, now + 130_000))?.dead, true);
    await refreshLease(directory, 1, now + 100_000);
    assert.equal((await readLease(directory, own, now + 130_000))?.dead, false);
  });
}

test('a damaged lease is judged by its age', async () => {
  const directory = makeDirectory();
  createLease(directory, { pid: 'x' } as unknown as ProcessIdentity);
  assert.equal((await readLease(directory, own, Date.now()))?.dead, false);
  utimesSync(join(directory, 'lease.1.json'), 1, 1);
  assert.equal((await readLease(directory, own, Date.now()))?.dead, true);
});

test('of many that take over a dead lease, one wins', async () => {
  const directory = makeDirectory();
  createLease(directory, { ...own, startTime: '1' });
  const won = await Promise.all(Array.from({ length: 16 }, (_, nth) => takeLease(directory, 2, { ...own, pid: nth + 1 })));
  assert.equal(won.filter(Boolean).length, 1);
  assert.equal((await readLease(directory, own, Date.now()))?.generation, 2);
});
