/** The report: what it counts, that it cannot be broken out of, and that it says what it cannot know. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord } from '../../../src/record.js';
import { createCounts } from '../../../src/report/counts.js';
import { reportPage } from '../../../src/report/page.js';
import { makeReport, type Report, type ReportOptions } from '../../../src/report/report.js';
import { createTimeline } from '../../../src/report/timeline.js';
import { chained, exampleRecord } from '../../../src/testing/records.js';
import { trailOf } from '../../support/report-trail.js';

const START_MS = Date.parse('2026-11-20T00:00:00Z');
const at = (minutes: number): string => new Date(START_MS + minutes * 60_000).toISOString();
const ACTOR = { id: 'ada', type: 'customer', tenantId: 'acme', verified: true };

/** A request of Ada's that went well, unless told otherwise. */
function record(minute: number, overrides: Partial<AuditRecord> = {}): AuditRecord {
  const time = at(minute);
  return exampleRecord(0, { time, observedTime: time, actor: ACTOR, tenant: { id: 'acme' }, ...overrides });
}

function lifecycle(minute: number, action: string): AuditRecord {
  return record(minute, { kind: 'lifecycle', action });
}

function reportOf(records: readonly AuditRecord[], options: Partial<ReportOptions> = {}): Promise<Report> {
  return makeReport({ trail: trailOf(chained(records)), version: '1.2.3', nowMs: START_MS + 86_400_000, ...options });
}

describe('the report', () => {
  it('counts what happened, by outcome, status, action, actor and tenant', async () => {
    const { tally } = await reportOf([
      record(0),
      record(1, { outcome: 'failure', response: { status: 404 } }),
      record(2, { actor: { id: 'anonymous', type: 'anonymous', verified: false } }),
      record(3, { actor: { ...ACTOR, id: 'bob', verified: false }, action: 'order.deleted' }),
    ]);
    assert.deepEqual(tally.outcomes, { success: 3, failure: 1 });
    assert.deepEqual(tally.statuses, { '2xx': 3, '4xx': 1 });
    assert.deepEqual([tally.records, tally.actorCount, tally.anonymous, tally.unverified], [4, 3, 1, 1]);
    assert.deepEqual(tally.actors[0], { name: 'ada', count: 2, type: 'customer', failures: 1 });
    assert.deepEqual(tally.actions[0], { name: 'order.created', count: 3 });
    assert.deepEqual([tally.first, tally.last], [at(0), at(3)]);
  });

  it('finds refused identities, and takes no other failure for one', async () => {
    const { tally } = await reportOf([
      record(0, { outcome: 'failure', response: { status: 401 } }),
      record(1, { outcome: 'failure', kind: 'event', action: 'user.login', response: undefined }),
      record(2, { outcome: 'success', kind: 'event', action: 'user.login' }),
      record(3, { outcome: 'failure', response: { status: 500 } }),
      record(4, { outcome: 'failure', action: 'blogin.created', response: { status: 400 } }),
    ]);
    assert.equal(tally.failedLoginCount, 2);
    assert.deepEqual(tally.failedLogins, [{ name: 'ada from 203.0.113.7', count: 2 }]);
  });

  it('finds privileged and cross-tenant use and refused permissions', async () => {
    const { tally } = await reportOf([
      record(0),
      record(1, { actor: { ...ACTOR, id: 'root', type: 'platform_admin' } }),
      record(2, { actor: { ...ACTOR, id: 'eve', roles: ['billing-admin'] }, outcome: 'failure', response: { status: 403 } }),
      record(3, { actor: { ...ACTOR, tenantId: 'globex' } }),
    ]);
    assert.deepEqual(
      tally.privileged.map(({ name }) => name),
      ['eve: order.created', 'root: order.created'],
    );
    assert.deepEqual(tally.crossTenant, [{ name: 'globex → acme', count: 1 }]);
    assert.deepEqual(tally.forbidden, [{ name: 'eve: order.created', count: 1 }]);
  });

  it('says where the trail is silent or says that records are missing', async () => {
    const { tally } = await reportOf([
      lifecycle(0, 'audit.start'),
      lifecycle(1, 'audit.heartbeat'),
      lifecycle(2, 'audit.heartbeat'),
      lifecycle(32, 'audit.heartbeat'),
      record(33, { kind: 'loss', action: 'audit.records_lost', metadata: { count: 7 } }),
      lifecycle(34, 'audit.stop'),
    ]);
    assert.deepEqual(
      tally.silences.map(({ from, to, minutes }) => [from, to, minutes]),
      [[at(2), at(32), 30]],
    );
    assert.deepEqual(
      tally.losses.map(({ time, detail }) => [time, detail]),
      [[at(33), '{"count":7}']],
    );
    assert.equal(tally.records, 6);
  });

  it('leaves out what lies outside its time, and start records, which have their request', async () => {
    const { tally } = await reportOf([record(0), record(5), record(9), record(6, { phase: 'start' })], { since: at(5), until: at(9) });
    assert.deepEqual([tally.outcomes, tally.records], [{ success: 1 }, 2]);
  });

  it('verifies what it counts', async () => {
    const records = chained([lifecycle(0, 'audit.start'), record(1), record(2), lifecycle(3, 'audit.stop')]);
    const whole = await makeReport({ trail: trailOf(records), version: '1', nowMs: START_MS });
    const broken = await makeReport({ trail: trailOf(records.toSpliced(2, 1)), version: '1', nowMs: START_MS });
    assert.equal(whole.isConsistent, true);
    assert.equal(broken.isConsistent, false);
    assert.match(reportPage(whole), /No contradiction was found/);
    assert.match(reportPage(whole), /nothing is signed/);
    assert.match(reportPage(broken), /NOT what was recorded/);
  });

  it('shows no markup of anybody else, and asks nothing of the network', async () => {
    const evil = '<script>alert(1)</script>"\'&';
    const page = reportPage(
      await reportOf(
        [
          record(0, { action: evil, actor: { ...ACTOR, id: evil, type: evil }, tenant: { id: evil }, service: { name: evil } }),
          record(1, { kind: 'loss', metadata: { [evil]: evil } }),
        ],
        { policy: [{ name: evil, method: evil, place: evil, level: evil }] },
      ),
    );
    assert.ok(!page.includes('<script'));
    assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;'));
    assert.doesNotMatch(page, /(?:src|href)="(?!#)|url\(|@import|https?:\/\//);
    assert.match(page, /default-src 'none'/);
  });

  it('links to sections that are there, for every control', async () => {
    const report = await reportOf([record(0)]);
    const page = reportPage(report);
    for (const [, id] of page.matchAll(/href="#([a-z]+)"/g)) assert.ok(page.includes(`id="${id}"`), id);
    for (const { standard, notShown } of report.controls) {
      assert.ok(page.includes(standard), standard);
      assert.ok(page.includes(notShown), notShown);
    }
  });

  it('is whole for a trail without a record', async () => {
    assert.match(reportPage(await reportOf([])), /No records in this time/);
  });
});

describe('the timeline', () => {
  it('loses no record and has at most 121 columns, whatever the times', () => {
    fc.assert(
      fc.property(
        fc.array(fc.date({ min: new Date('2000-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }), { maxLength: 300 }),
        (dates) => {
          const timeline = createTimeline();
          for (const date of dates) timeline.add(date.toISOString(), 'success');
          const { steps } = timeline.finish();
          assert.equal(
            steps.reduce((sum, { success }) => sum + success, 0),
            dates.length,
          );
          assert.ok(steps.length <= 121, String(steps.length));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('counts', () => {
  it('keep the frequent names within their bound', () => {
    const counts = createCounts(10);
    for (let n = 0; n < 1000; n += 1) {
      counts.add('often');
      counts.add(`name-${n}`);
    }
    assert.deepEqual(counts.top(1), [{ name: 'often', count: 1000 }]);
    assert.equal(counts.total(), 2000);
    assert.ok(counts.size() >= 1000);
    assert.ok(Object.keys(counts.all()).length <= 11);
  });
});
