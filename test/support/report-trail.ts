/** Trails in memory, for reports. */

import type { AuditRecord, JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import type { FullEntry, Trail } from '../../src/trail/trail.js';

export function trailOf(records: readonly JournalledRecord[]): Trail {
  async function* none(): AsyncGenerator<never> {}
  async function* all(): AsyncGenerator<readonly FullEntry[]> {
    yield records.map((each) => ({ record: each, where: 'here' }));
  }
  return {
    name: 'a trail',
    isOrdered: true,
    isComplete: true,
    entries: all,
    fullEntries: all,
    checkpoints: none,
    hashes: async () => [],
    removed: async () => [],
    faults: async () => [],
    search: none,
    follow: none,
    close: async () => undefined,
  };
}

const ACTIONS = ['order.accessed', 'order.created', 'order.deleted', 'user.login', 'report.accessed'];
const STATUSES = [401, 403, 404, 500];
const COUNTRIES = ['NL', 'DE', 'US', 'GB'];

/** Two weeks of a service's life, the same at each run. */
export function manyRecords(count: number): readonly JournalledRecord[] {
  const startMs = Date.parse('2026-11-01T00:00:00Z');
  return chained(
    Array.from({ length: count }, (_, n): AuditRecord => recordOf(n, new Date(startMs + (n * 1_209_600_000) / count).toISOString())),
  );
}

function recordOf(n: number, time: string): AuditRecord {
  const fails = n % 8 === 0;
  const user = (n * n) % 41;
  return exampleRecord(n, {
    time,
    observedTime: time,
    action: ACTIONS[n % ACTIONS.length] ?? 'order.accessed',
    outcome: fails ? 'failure' : n % 50 === 1 ? 'aborted' : 'success',
    actor: {
      id: `user-${user}@example.com`,
      type: user === 3 ? 'platform_admin' : 'customer',
      tenantId: user === 5 ? 'globex' : 'acme',
      verified: user % 2 === 0,
    },
    tenant: { id: 'acme' },
    response: { status: fails ? STATUSES[(n / 8) % STATUSES.length] : 200 },
    client: { address: `203.0.113.${user}`, geo: { country: COUNTRIES[user % COUNTRIES.length] } },
  });
}
