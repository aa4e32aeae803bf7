/** Asks the database what the connected role may do: which of the exporter's guarantees hold against its holder. Writes nothing. */

import type { ClientBase } from 'pg';
import type { Probe } from '../probe.js';
import { type Connection, connect } from './connection.js';
import { reasonOf } from './errors.js';

const STATEMENT_TIMEOUT_MS = 5000;

interface Facts {
  readonly role: string;
  readonly superuser: boolean;
  readonly owner: boolean | null;
  readonly may_insert: boolean | null;
  readonly may_change: boolean | null;
  readonly triggers: number;
}

const FACTS = `SELECT current_user AS role,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
  pg_has_role(t.relowner, 'USAGE') AS owner,
  has_table_privilege(t.oid, 'INSERT') AS may_insert,
  has_table_privilege(t.oid, 'UPDATE') OR has_table_privilege(t.oid, 'DELETE') OR has_table_privilege(t.oid, 'TRUNCATE') AS may_change,
  (SELECT count(*)::int FROM pg_trigger
    WHERE tgrelid = t.oid AND tgname IN ('audit_append_only', 'audit_append_only_truncate') AND tgenabled <> 'D') AS triggers
FROM (SELECT 1) AS one LEFT JOIN pg_class AS t ON t.oid = to_regclass('audit_logs')`;

export async function probePostgres(url: string): Promise<Probe> {
  let connection: Connection | undefined;
  try {
    connection = await connect({ url, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
    return { reachable: true, findings: findingsOf(await readFacts(connection.client)) };
  } catch (error) {
    return { reachable: false, findings: [reasonOf(error)] };
  } finally {
    await connection?.close();
  }
}

async function readFacts(client: ClientBase): Promise<Facts> {
  const { rows } = await client.query<Facts>(FACTS);
  const [facts] = rows;
  if (facts === undefined) throw new TypeError('no row');
  return facts;
}

function findingsOf({ role, superuser, owner, may_insert, may_change, triggers }: Facts): readonly string[] {
  const who = `connected as ${role}`;
  if (owner === null)
    return [who, 'audit_logs does not exist yet: the first batch makes it if the role may, else run `otel-audit migrate`'];
  return [
    who,
    may_insert === true ? 'may insert' : 'may not insert: nothing will be delivered',
    triggers === 2 ? 'the append-only triggers stand' : 'an append-only trigger is missing or disabled: rows can be altered',
    holds(superuser, owner, may_change === true),
  ];
}

function holds(superuser: boolean, owner: boolean, mayChange: boolean): string {
  if (superuser) return 'a superuser: nothing in the database stops whoever has this role, only the hash chain shows it';
  if (owner) return 'owns the table: may drop the triggers first; a role that may only insert is safer';
  if (mayChange) return 'has UPDATE, DELETE or TRUNCATE: only the triggers keep rows as they are; a role that may only insert is safer';
  return 'neither owns the table nor may change rows: append-only by privilege';
}
