/** Readies a new connection: makes or upgrades the tables where the role may, and leaves them alone where it may not. */

import type { ClientBase } from 'pg';
import { AuditError } from '../../src/errors.js';
import { refusesRole } from './errors.js';
import { migrate } from './migrate.js';

export interface Prepared {
  /** Whether this role may make partitions. */
  readonly makesPartitions: boolean;
}

const NO_TABLES = 'audit_logs does not exist and the role may not create it: run `otel-audit migrate` as the owner';

/** @throws what the database says, if there are no tables and this role may not make them */
export async function prepare(client: ClientBase): Promise<Prepared> {
  const { exists, owned } = await inspect(client);
  if (!exists || owned) await upgrade(client, exists);
  return { makesPartitions: await mayMakePartitions(client) };
}

async function upgrade(client: ClientBase, exists: boolean): Promise<void> {
  try {
    await migrate(client);
  } catch (error) {
    if (!refusesRole(error)) throw error;
    // An owner without CREATE on the schema: what it may not upgrade it may still write to.
    if (!exists) throw new AuditError('ERR_AUDIT_EXPORTER', NO_TABLES, { cause: error });
  }
}

async function inspect(client: ClientBase): Promise<{ readonly exists: boolean; readonly owned: boolean }> {
  const { rows } = await client.query<{ owned: boolean }>(
    "SELECT pg_has_role(relowner, 'USAGE') AS owned FROM pg_class WHERE oid = to_regclass('audit_logs')",
  );
  const [table] = rows;
  return { exists: table !== undefined, owned: table?.owned === true };
}

async function mayMakePartitions(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ allowed: boolean }>(
    "SELECT has_function_privilege(to_regprocedure('audit_ensure_partitions()'), 'EXECUTE') AS allowed",
  );
  return rows[0]?.allowed === true;
}
