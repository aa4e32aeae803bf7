import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { install } from '../../../src/changes/install.js';
import { type Relay, type RelayConnection, type RelayedBatch, startRelay } from '../../../src/changes/relay.js';
import { startPostgres, type TestPostgres } from '../../support/postgres.js';
import { until } from '../../support/waiting.js';

interface Handed {
  readonly ids: readonly string[];
  readonly mayRepeat: boolean;
}

describe('the relay of row changes', { timeout: 120_000 }, () => {
  let postgres: TestPostgres;
  let client: Client;
  let relays: Relay[] = [];
  before(async () => {
    postgres = await startPostgres();
    client = new Client({ connectionString: postgres.url });
    await client.connect();
  });
  beforeEach(async () => {
    await client.query('DROP SCHEMA IF EXISTS audit CASCADE');
    await install(client);
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    relays = [];
  });
  after(async () => {
    await client?.end();
    await postgres?.stop();
  });

  const connect = async (): Promise<RelayConnection> => {
    const own = new Client({ connectionString: postgres.url });
    own.on('error', () => undefined);
    await own.connect();
    return { client: own, close: () => own.end(), destroy: () => void own.end() };
  };
  /** `take` says whether what was handed over became durable. */
  function relay(holder: string, take: (nth: number) => Promise<boolean> = async () => true): readonly Handed[] {
    const handed: Handed[] = [];
    const store = ({ rows, mayRepeat }: RelayedBatch): Promise<boolean> => {
      handed.push({ ids: rows.map(({ row_id }) => String(row_id)), mayRepeat });
      return take(handed.length);
    };
    relays.push(startRelay({ connect, destination: 'sink', holder, store, warn: () => undefined, pollMs: 10 }));
    return handed;
  }
  const change = (id: string): Promise<unknown> =>
    client.query(
      `INSERT INTO audit.changes (changed_at, table_schema, table_name, operation, row_id, after) VALUES (now(), 'public', 'orders', 'insert', $1, '{}')`,
      [id],
    );
  const cursorIsAt = (id: string): Promise<void> =>
    until('the cursor moves', async () => {
      const { rows } = await client.query('SELECT FROM audit.relays JOIN audit.changes USING (xact, id) WHERE row_id = $1', [id]);
      return rows.length === 1;
    });

  it('says of nothing that it may be a repetition as long as all goes well', async () => {
    const first = relay('a');
    await change('1');
    await cursorIsAt('1');
    await relays.pop()?.stop();
    const second = relay('b');
    await change('2');
    await cursorIsAt('2');
    assert.deepEqual(
      [...first, ...second],
      [
        { ids: ['1'], mayRepeat: false },
        { ids: ['2'], mayRepeat: false },
      ],
    );
  });

  it('says it of what was not taken, and of nothing behind that', async () => {
    const handed = relay('a', async (nth) => nth > 1);
    await change('1');
    await cursorIsAt('1');
    await change('2');
    await cursorIsAt('2');
    assert.deepEqual(handed, [
      { ids: ['1'], mayRepeat: false },
      { ids: ['1'], mayRepeat: true },
      { ids: ['2'], mayRepeat: false },
    ]);
  });

  it('says it of what another was at when it died', async () => {
    await change('1');
    const dead = relay('a', () => new Promise(() => undefined));
    await until('it is handed over', () => dead.length === 1);
    relays.pop();
    await client.query("UPDATE audit.relays SET held_until = '-infinity'");
    await change('2');
    const heir = relay('b');
    await cursorIsAt('2');
    await change('3');
    await cursorIsAt('3');
    assert.deepEqual(heir, [
      { ids: ['1', '2'], mayRepeat: true },
      { ids: ['3'], mayRepeat: false },
    ]);
  });

  it('says it of what another was at when it was told to stop', async () => {
    await change('1');
    const stopped = relay('a', async () => false);
    await until('it is handed over', () => stopped.length > 0);
    await relays.pop()?.stop();
    const heir = relay('b');
    await cursorIsAt('1');
    assert.deepEqual(heir, [{ ids: ['1'], mayRepeat: true }]);
  });

  it('says it of all that is relayed anew when somebody sets the cursor back', async () => {
    const handed = relay('a');
    for (let id = 1; id <= 120; id += 1) await change(String(id));
    await cursorIsAt('120');
    const before = handed.length;
    await client.query("UPDATE audit.relays SET xact = '0', id = 0");
    await until('it starts over', () => handed.slice(before).some(({ ids }) => ids.includes('1')));
    await cursorIsAt('120');
    const repeated = handed.slice(before);
    assert.equal(repeated.flatMap(({ ids }) => ids).length, 120);
    assert.ok(repeated.every(({ mayRepeat }) => mayRepeat));
    await change('121');
    await cursorIsAt('121');
    assert.deepEqual(handed.at(-1), { ids: ['121'], mayRepeat: false });
  });
});
