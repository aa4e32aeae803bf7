/** `otel-audit/orm/postgres`: contexts on the connections of the `postgres` package where the preload cannot reach it. */

import { livePipeline } from '../../live.js';
import { carryInPostgresJs, type PostgresSql } from '../postgres-js-context.js';

/**
 * `const sql = auditPostgres(postgres(url))`: what its statements change is recorded with the actor of their request. Needed where
 * `postgres` is imported as an ES module or bundled; by `require` the preload does it. Answers the same `sql`; twice does no harm.
 * A no-op without a live pipeline, and with `AUDIT_CAPTURE_ORM_DIFFS=false`.
 */
export function auditPostgres<Sql>(sql: Sql): Sql {
  const changes = livePipeline()?.changes;
  return changes === undefined ? sql : (carryInPostgresJs(sql as PostgresSql, changes.carrier) as Sql);
}
