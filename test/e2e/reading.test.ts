import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { createPostgresExporter } from '../../exporters/postgres/index.js';
import { canonicalize } from '../../src/canonical.js';
import type { AuditRecord, JournalledRecord } from '../../src/record.js';
import { chained, exampleRecord } from '../../src/testing/records.js';
import { openFileTrail } from '../../src/trail/file-trail.js';
import type { RecordFilter } from '../../src/trail/filter.js';
import { openPostgresTrail } from '../../src/trail/postgres-trail.js';
import { type CommandResult, runCommand } from '../support/command.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';
import { until } from '../support/waiting.js';

const HOUR_MS = 3_600_000;
const timed = (hoursAgo: number, overrides: Partial<AuditRecord>): AuditRecord => {
  const time = new Date(Date.now() - hoursAgo * HOUR_MS).toISOString();
  return exampleRecord(hoursAgo, { time, observedTime: time, ...overrides });
};

const LOGIN = exampleRecord().id;
const RECORDS = chained([
  timed(9, { actor: { id: 'ada', type: 'user', email: 'ada@acme.example', verified: true } }),
  timed(8, { tenant: { id: 't-9', slug: 'globex' } }),
  timed(7, { action: 'order.cancel', target: { type: 'order', id: 'o-99' }, outcome: 'failure', response: { status: 403 } }),
  timed(6, { request: { id: 'req-6', method: 'PUT', path: '/a', body: '{"note":"100% _sure_ \\\\ it\'s"}', bodyFormat: 'json' } }),
  timed(5, { response: { status: 500, body: 'line one\nline "two"', bodyFormat: 'text' }, outcome: 'failure' }),
  timed(4, {
    id: LOGIN,
    kind: 'event',
    action: 'user.login',
    outcome: 'failure',
    request: undefined,
    response: undefined,
    error: { message: 'no such user' },
  }),
  timed(3, {
    kind: 'change',
    action: 'orders.updated',
    target: { type: 'orders', id: '7' },
    refersTo: LOGIN,
    changes: [{ table: 'orders', id: 7, operation: 'update', before: { state: 'open' }, after: { state: 'paid' } }],
  }),
  timed(2, { trace: { traceId: 'ab'.repeat(16) } }),
  timed(1, { phase: 'start' }),
]);

const ago = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();
const FILTERS: readonly (readonly [RecordFilter, readonly number[]])[] = [
  [{}, [9, 8, 7, 6, 5, 4, 3, 2, 1]],
  [{ actor: 'ada' }, [1]],
  [{ actor: 'ada@acme.example' }, [1]],
  [{ tenant: 'globex' }, [2]],
  [{ tenant: 't-9' }, [2]],
  [{ action: 'order.cancel' }, [3]],
  [{ action: '*.login' }, [6]],
  [{ action: 'order_%' }, []],
  [{ target: { type: 'order', id: 'o-99' } }, [3]],
  [{ target: { id: '7' } }, [7]],
  [{ target: { type: 'orders' } }, [7]],
  [{ outcome: 'failure' }, [6, 5, 3]],
  [{ kind: 'change' }, [7]],
  [{ status: [400, 499] }, [3]],
  [{ status: [403, 500] }, [5, 3]],
  [{ since: ago(5.5) }, [9, 8, 7, 6, 5]],
  [{ until: ago(5.5) }, [4, 3, 2, 1]],
  [{ trace: 'ab'.repeat(16) }, [8]],
  [{ request: 'req-6' }, [4]],
  [{ refersTo: LOGIN }, [7]],
  [{ refersTo: 'nothing' }, []],
  [{ text: '100% _sure_' }, [4]],
  [{ text: '\nline "two"' }, [5]],
  [{ text: "it's" }, [4]],
  [{ text: '100%%' }, []],
  [{ actor: "x' OR true --" }, []],
];

describe('reading a trail', () => {
  let postgres: TestPostgres;
  let directory: string;
  const streamDirectory = (): string => path.join(directory, 'trail', RECORDS[0]?.integrity.stream ?? '');
  const places: Record<string, string> = {};
  before(async () => {
    postgres = await startPostgres();
    directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-reading-'));
    mkdirSync(streamDirectory(), { recursive: true });
    writeFileSync(path.join(streamDirectory(), '00000001.jsonl'), RECORDS.map((record) => `${canonicalize(record)}\n`).join(''));
    const exporter = createPostgresExporter({ url: postgres.url });
    const answers = await exporter.export(RECORDS, AbortSignal.timeout(30_000));
    await exporter.shutdown();
    assert.ok(answers.every(({ status }) => status === 'delivered'));
    places['a database'] = postgres.url;
    places['a directory'] = path.join(directory, 'trail');
  });
  after(async () => {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const numbersOf = ({ stdout }: CommandResult): readonly number[] =>
    stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as JournalledRecord).integrity.seq);

  for (const kind of ['a database', 'a directory']) {
    describe(`in ${kind}`, () => {
      for (const [filter, expected] of FILTERS) {
        it(`finds ${expected.length} records with ${JSON.stringify(filter)}`, async () => {
          const trail = kind === 'a database' ? await openPostgresTrail({ url: postgres.url }) : openFileTrail(places[kind] ?? '');
          const found: number[] = [];
          for await (const { integrity } of trail.search(filter, { limit: 100 })) found.push(integrity.seq);
          await trail.close();
          assert.deepEqual(found, expected);
        });
      }

      it('understands what a person says on the command line', () => {
        const flags =
          '--tenant acme --action *.cancel --target order/o-99 --outcome failure --kind http --status 4xx --since 30h --until 1h -n 5';
        const one = runCommand(['query', places[kind] ?? '', '--format', 'json', ...flags.split(' ')]);
        assert.equal(one.status, 0, one.stderr);
        assert.deepEqual(numbersOf(one), [3]);
        const others = ['--actor', 'ada@acme.example', '--format', 'json', '--text', 'created', '--request', RECORDS[0]?.request?.id ?? ''];
        assert.deepEqual(numbersOf(runCommand(['query', places[kind] ?? '', ...others])), [1]);
        for (const wrong of [
          ['--status', '4'],
          ['--since', 'whenever'],
          ['--limit', '0'],
          ['--format', 'xml'],
        ])
          assert.notEqual(runCommand(['query', places[kind] ?? '', ...wrong]).status, 0);
      });

      it('exports all of it as it was recorded, to a file that is for nobody else', () => {
        const file = path.join(directory, `${kind}.jsonl`);
        assert.equal(runCommand(['export', places[kind] ?? '', '--out', file]).status, 0);
        assert.equal(readFileSync(file, 'utf8'), RECORDS.map((record) => `${canonicalize(record)}\n`).join(''));
        assert.equal(statSync(file).mode & 0o077, 0);
        // A file that is there is not written over.
        assert.equal(runCommand(['export', places[kind] ?? '', '--out', file]).status, 1);
      });

      it('shows one record with what it changed', () => {
        const { stdout, status } = runCommand(['show', RECORDS[6]?.id ?? '', places[kind] ?? '']);
        assert.equal(status, 0);
        assert.match(stdout, /orders\.updated[\s\S]*state.*open[\s\S]*paid/);
        assert.match(stdout, /\(matches\)/);
      });

      it('shows below a record of a request the changes that were made in it', () => {
        const { stdout, status } = runCommand(['show', RECORDS[5]?.id ?? '', places[kind] ?? '']);
        assert.equal(status, 0);
        assert.match(stdout, /user\.login[\s\S]*changed at [\s\S]*orders 7 update\n[\s\S]*state +open → paid/);
        assert.doesNotMatch(runCommand(['show', RECORDS[0]?.id ?? '', places[kind] ?? '']).stdout, /changed at/);
      });

      it('says that there is no such record', () => {
        for (const id of ['00000000-0000-7000-8000-000000000000', 'req-6']) {
          const { status, stderr } = runCommand(['show', id, places[kind] ?? '']);
          assert.deepEqual([status, /no record/.test(stderr)], [1, true]);
        }
      });

      it('prints a table with colours only where they are wanted', () => {
        const plain = runCommand(['tail', places[kind] ?? '', '-n', '3']).stdout;
        assert.deepEqual(
          plain
            .trim()
            .split('\n')
            .map((line) => line.split(/\s+/)[0])
            .slice(1),
          RECORDS.slice(-3).map(({ time }) => time),
        );
        assert.ok(!plain.includes('\u001b['));
        assert.ok(runCommand(['tail', places[kind] ?? '', '--color']).stdout.includes('\u001b[31mfailure'));
      });
    });
  }

  it('follows a trail as it grows, in a database and in a directory', async () => {
    const next = chained([...RECORDS, timed(0, { action: 'order.followed' })]).at(-1) as JournalledRecord;
    for (const kind of ['a database', 'a directory']) {
      const args = [
        path.join(ROOT, 'dist/src/cli/main.js'),
        'tail',
        places[kind] ?? '',
        '-f',
        '--color',
        '--since',
        '30m',
        '--action',
        'order.followed',
      ];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      const exit = once(child, 'exit');
      try {
        // Offered until it is seen: when the command has begun to follow cannot be seen from here.
        let n = 0;
        await until(`${kind} is followed`, async () => {
          n += 1;
          const record = { ...next, id: next.id.slice(0, -4) + String(n).padStart(4, '0'), time: new Date().toISOString() };
          if (kind === 'a directory')
            writeFileSync(path.join(streamDirectory(), '00000001.jsonl'), `${canonicalize(record)}\n`, { flag: 'a' });
          else {
            const exporter = createPostgresExporter({ url: postgres.url });
            await exporter.export([record], AbortSignal.timeout(20_000));
            await exporter.shutdown();
          }
          return lines.length > 1;
        });
        assert.match(lines[1] ?? '', /order\.followed .*\u001b\[\d+msuccess/);
      } finally {
        child.kill('SIGINT');
        await exit;
      }
      assert.equal(child.exitCode, 0);
    }
  });

  it('is recorded before anything is shown, where that is wanted', async () => {
    const { url } = postgres;
    const env = { AUDIT_POSTGRES_URL: url, AUDIT_RECORD_READING: 'true', AUDIT_JOURNAL_DIR: path.join(directory, 'journal') };
    const { status, stderr } = runCommand(['query', '--actor', 'ada', '--since', '30d'], env);
    assert.equal(status, 0, stderr);
    const [read] = await query(url, "SELECT actor_id, target_id, metadata FROM audit_logs WHERE action = 'audit.read'");
    assert.ok(typeof read?.['actor_id'] === 'string' && read['actor_id'] !== '');
    const metadata = read?.['metadata'] as { readonly command?: string; readonly filter?: { readonly actor?: string } };
    assert.deepEqual([metadata.command, metadata.filter?.actor], ['query', 'ada']);
    assert.ok(!JSON.stringify(read).includes('password'));
    const shown = RECORDS[0]?.id ?? '';
    for (const args of [['tail'], ['show', shown], ['export'], ['report'], ['prove', shown]]) runCommand(args, env);
    const commands = await query(
      url,
      "SELECT metadata->>'command' AS command FROM audit_logs WHERE action = 'audit.read' ORDER BY occurred_at",
    );
    assert.deepEqual(
      commands.map(({ command }) => command),
      ['query', 'tail', 'show', 'export', 'report', 'prove'],
    );
    // Beside a service that answers on its port of metrics.
    const service = createServer().listen(0, '127.0.0.1');
    await once(service, 'listening');
    const { port } = service.address() as AddressInfo;
    assert.equal(runCommand(['query'], { ...env, AUDIT_PROMETHEUS: String(port) }).stderr, '');
    service.close();
    // A journal that cannot be written: nothing is shown.
    const file = path.join(directory, 'no-directory');
    writeFileSync(file, '');
    const refused = runCommand(['query', '--actor', 'ada'], { ...env, AUDIT_JOURNAL_DIR: file });
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(refused.stderr, /could not be recorded, so nothing is shown/);
  });

  it('has views for people in the database', async () => {
    const { url } = postgres;
    const trail = await query(url, 'SELECT actor, action, tenant FROM audit_trail WHERE action = $1', ['order.cancel']);
    assert.deepEqual(trail, [{ actor: 'user-7@example.com', action: 'order.cancel', tenant: 'acme' }]);
    const [start] = await query(url, 'SELECT count(*)::int AS count FROM audit_trail WHERE id = $1', [RECORDS[8]?.id]);
    assert.equal(start?.['count'], 0);
    const logins = await query(url, 'SELECT claimed_actor, action, reason FROM audit_failed_logins');
    assert.deepEqual(logins, [{ claimed_actor: 'user-4@example.com', action: 'user.login', reason: 'no such user' }]);
    const [row, ...more] = await query(
      url,
      `SELECT table_name, row_id, operation, after, action, path, request_record_id = $1 AS joined FROM audit_row_changes`,
      [RECORDS[5]?.id],
    );
    assert.deepEqual(more, []);
    assert.deepEqual(row, {
      table_name: 'orders',
      row_id: '7',
      operation: 'update',
      after: { state: 'paid' },
      action: 'user.login',
      path: RECORDS[6]?.request?.path,
      joined: true,
    });
    for (const target of ['orders/7', '7']) {
      const changes = await query(url, 'SELECT action, operation, before, after FROM audit_changes_of($1)', [target]);
      assert.deepEqual(changes, [{ action: 'orders.updated', operation: 'update', before: { state: 'open' }, after: { state: 'paid' } }]);
    }
  });
});
