/** What a key for each person costs the main thread: a record of 2 KB with two bodies and a name, of a known and of a new person. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AuditRecord } from '../../src/record.js';
import { createSealing } from '../../src/subjects/sealing.js';
import { exampleRecord } from '../../src/testing/records.js';
import { median } from '../support/median.js';

const ROUNDS = 5;
const BODY = JSON.stringify({ note: 'n'.repeat(800) });

function recordOf(id: string): AuditRecord {
  const record = exampleRecord(1, { actor: { id, type: 'user', email: `${id}@example.com`, name: 'A Name', verified: true } });
  return { ...record, request: { id: 'r', body: BODY, bodyFormat: 'json' }, response: { status: 200, body: BODY, bodyFormat: 'json' } };
}

/** µs of this process's CPU for each. */
function costUs(records: readonly AuditRecord[], seal: (record: AuditRecord) => AuditRecord): number {
  const before = process.cpuUsage();
  for (const record of records) seal(record);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / records.length;
}

const known = Array.from({ length: 20_000 }, (_, n) => recordOf(`user-${n % 100}`));
const knownUs: number[] = [];
const newUs: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-bench-'));
  const seal = createSealing(path.join(directory, 'keys'), (error) => {
    throw error;
  });
  const fresh = Array.from({ length: 2_000 }, (_, n) => recordOf(`new-${n}`));
  newUs.push(costUs(fresh, seal));
  costUs(known, seal);
  knownUs.push(costUs(known, seal));
  rmSync(directory, { recursive: true });
}
console.log(
  `a record of a known person: ${median(knownUs).toFixed(1)} µs; of a new one: ${median(newUs).toFixed(0)} µs (CPU, medians of ${ROUNDS})`,
);
