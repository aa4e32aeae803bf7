/** Asks the database what the connected role may do: which of the exporter's guarantees hold against its holder. Writes nothing. */

import type { ClientBase } from 'pg';
import type { Probe } from '../probe.js';
import { type Connection, connect, type DatabaseAccess } from './connection.js';
import { reasonOf } from './errors.js';
import { latestVersion } from './migrate.js';

const STATEMENT_TIMEOUT_MS = 5000;

interface Facts {
  readonly role: string;
  readonly server: string;
  readonly encrypted: boolean | null;
  readonly superuser: boolean;
  readonly grants_roles: boolean;
  readonly owner: boolean | null;
  readonly may_insert: boolean | null;
  readonly may_read: boolean | null;
  /** The table and its partitions, as far as rows there may be changed by privilege. */
  readonly changeable: readonly string[] | null;
  readonly may_make_partitions: boolean | null;
  readonly may_compare: boolean | null;
  readonly may_prune: boolean | null;
  readonly is_restricted: boolean | null;
  readonly triggers: number;
  readonly open_tables: readonly string[] | null;
  readonly last_partition: string | null;
}

/** What else must not change: what was signed, held and removed. */
const LEDGERS = ['audit_checkpoints', 'audit_holds', 'audit_hold_releases', 'audit_removals', 'audit_removed_ranges'];
/** UPDATE, DELETE and TRUNCATE among the bits of `pg_trigger.tgtype`. */
const CHANGES = 16 + 8 + 32;
// MEMBER: also what the role may become by SET ROLE. With REPLICA a trigger stands and does nothing; with a condition or columns, too little.
const STANDS = "tgfoid = to_regprocedure('audit_refuse_change()') AND tgenabled IN ('O', 'A') AND tgqual IS NULL AND tgattr::text = ''";
const FACTS = `SELECT current_user AS role,
  current_setting('server_version') AS server,
  (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
  (SELECT rolcreaterole AND current_setting('server_version_num')::int < 160000 FROM pg_roles WHERE rolname = current_user) AS grants_roles,
  pg_has_role(t.relowner, 'MEMBER') AS owner,
  has_table_privilege(t.oid, 'INSERT') AS may_insert,
  has_table_privilege(t.oid, 'SELECT') AS may_read,
  (SELECT array_agg(part::regclass::text ORDER BY 1) FROM (SELECT t.oid AS part UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = t.oid) AS parts
    WHERE EXISTS (SELECT FROM pg_roles AS other WHERE pg_has_role(other.oid, 'MEMBER')
      AND (has_table_privilege(other.oid, part, 'DELETE, TRUNCATE') OR has_any_column_privilege(other.oid, part, 'UPDATE')))) AS changeable,
  has_function_privilege(to_regprocedure('audit_ensure_partition(timestamptz)'), 'EXECUTE') AS may_make_partitions,
  has_function_privilege(to_regprocedure('audit_differing(uuid[], timestamptz[], text[])'), 'EXECUTE') AS may_compare,
  has_function_privilege(to_regprocedure('audit_prune(text, jsonb, boolean)'), 'EXECUTE') AS may_prune,
  row_security_active(t.oid) AS is_restricted,
  (SELECT count(*)::int FROM pg_trigger
    WHERE tgrelid = t.oid AND tgname IN ('audit_append_only', 'audit_append_only_truncate') AND ${STANDS}) AS triggers,
  (SELECT array_agg(part::regclass::text ORDER BY 1)
    FROM (SELECT inhrelid AS part FROM pg_inherits WHERE inhparent = t.oid
      UNION ALL SELECT to_regclass(name) FROM unnest(ARRAY[${LEDGERS.map((name) => `'${name}'`).join(', ')}]) AS name) AS parts
    WHERE part IS NOT NULL AND ${CHANGES} <> (
      SELECT coalesce(bit_or(tgtype), 0) & ${CHANGES} FROM pg_trigger WHERE tgrelid = part AND ${STANDS})) AS open_tables,
  (SELECT max(relname) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = t.oid) AS last_partition
FROM (SELECT 1) AS one LEFT JOIN pg_class AS t ON t.oid = to_regclass('audit_logs')`;

/** Null where the role may not read it, which a writer may not. */
const VERSION =
  "SELECT CASE WHEN has_table_privilege(to_regclass('audit_migrations'), 'SELECT') THEN to_regclass('audit_migrations') END AS ledger";

export async function probePostgres(access: DatabaseAccess): Promise<Probe> {
  let connection: Connection | undefined;
  try {
    connection = await connect({ ...access, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
    const facts = await readFacts(connection.client);
    return { reachable: true, findings: [...findingsOf(facts, await mutes(connection.client)), ...(await behind(connection.client))] };
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

/** Whether the role may switch triggers off for itself. Before 15 only a superuser may; who may is asked with a function that came then. */
async function mutes(client: ClientBase): Promise<boolean> {
  const { rows: found } = await client.query<{ readonly asks: boolean }>(
    "SELECT to_regprocedure('has_parameter_privilege(text, text)') IS NOT NULL AS asks",
  );
  if (found[0]?.asks !== true) return false;
  const { rows } = await client.query<{ readonly mutes: boolean }>(
    "SELECT bool_or(has_parameter_privilege(oid, 'session_replication_role', 'SET')) AS mutes FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')",
  );
  return rows[0]?.mutes === true;
}

async function behind(client: ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly ledger: string | null }>(VERSION);
  if (rows[0]?.ledger == null) return [];
  const versions = await client.query<{ readonly version: number }>('SELECT max(version) AS version FROM audit_migrations');
  const version = versions.rows[0]?.version ?? 0;
  return version < latestVersion() ? [`the tables are of version ${version}, not ${latestVersion()}: run \`otel-audit migrate\``] : [];
}

function findingsOf(facts: Facts, mayMute: boolean): readonly string[] {
  const who = `connected as ${facts.role} to PostgreSQL ${facts.server}, ${facts.encrypted === true ? 'over TLS' : 'in clear text'}`;
  if (facts.owner === null)
    return [who, 'audit_logs does not exist yet: the first batch makes it if the role may, else run `otel-audit migrate`'];
  return [
    who,
    facts.may_insert === true ? 'may insert' : 'may not insert: nothing will be delivered',
    facts.may_make_partitions === true ? `may make partitions; the last is ${facts.last_partition}` : noPartitions(facts.last_partition),
    facts.may_compare === true
      ? 'is told when a record comes again with another content'
      : 'may not execute audit_differing: a record that comes again with another content is not noticed before a verification',
    facts.may_read === true ? `may read ${facts.is_restricted === true ? 'what row level security lets it' : 'every row'}` : 'may not read',
    ...(facts.may_prune === true ? ['may remove rows whose period is over, through audit_prune, which records it'] : []),
    triggersOf(facts),
    holds(facts, mayMute),
  ];
}

function noPartitions(last: string | null): string {
  return `may not make partitions: after ${last ?? 'none'} rows wait until the owner calls audit_ensure_partitions()`;
}

function triggersOf({ triggers, open_tables }: Facts): string {
  if (triggers < 2) return 'an append-only trigger is missing or disabled: rows can be altered';
  if (open_tables === null) return 'the append-only triggers stand, on the table, its partitions and what was signed, held and removed';
  return `an append-only trigger is missing or disabled on ${open_tables.join(', ')}: rows there can be altered`;
}

function holds({ superuser, grants_roles, owner, changeable }: Facts, mayMute: boolean): string {
  if (superuser) return 'a superuser: nothing in the database stops whoever has this role, only the hash chain shows it';
  if (owner === true) return 'owns the table, or may become its owner: may drop the triggers first; a role that may only insert is safer';
  if (grants_roles)
    return 'may grant itself any role, the owner too (CREATEROLE before PostgreSQL 16): a role that may only insert is safer';
  if (changeable === null) return 'neither owns the table nor may change rows: append-only by privilege';
  const where = changeable.includes('audit_logs') ? '' : ` on ${changeable.join(', ')}`;
  return mayMute
    ? `has UPDATE, DELETE or TRUNCATE${where}, and may switch triggers off (session_replication_role): rows can be altered`
    : `has UPDATE, DELETE or TRUNCATE${where}: only the triggers keep rows as they are; a role that may only insert is safer`;
}
