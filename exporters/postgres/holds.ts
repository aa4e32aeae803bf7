/** Legal holds: what no removal may touch until somebody releases it. Placed and released for good, both by name. */

import type { ClientBase } from 'pg';
import { AuditError } from '../../src/errors.js';
import { type DatabaseAccess, withConnection } from './connection.js';

/** Each member narrows the hold; without any it covers every record. */
export interface HoldScope {
  readonly tenantId?: string | undefined;
  readonly actorId?: string | undefined;
  readonly targetType?: string | undefined;
  readonly targetId?: string | undefined;
  /** RFC 3339 */
  readonly from?: string | undefined;
  /** RFC 3339; not included. */
  readonly to?: string | undefined;
}

export interface Hold extends HoldScope {
  readonly id: number;
  readonly reason: string;
  readonly placedAt: string;
  readonly placedBy: string;
  readonly released?: { readonly at: string; readonly by: string; readonly reason: string } | undefined;
}

/** Answers its id. @throws {AuditError} ERR_AUDIT_EXPORTER */
export function placeHold(access: DatabaseAccess, reason: string, scope: HoldScope): Promise<number> {
  const { tenantId, actorId, targetType, targetId, from, to } = scope;
  return run(access, 'the hold was not placed', async (client) => {
    const { rows } = await client.query<{ readonly id: number }>(
      `INSERT INTO audit_holds (reason, tenant_id, actor_id, target_type, target_id, occurred_from, occurred_to)
       VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id::int`,
      [reason, tenantId, actorId, targetType, targetId, from, to],
    );
    return rows[0]?.id ?? 0;
  });
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER, also if there is no such hold or it is released already */
export function releaseHold(access: DatabaseAccess, id: number, reason: string): Promise<void> {
  return run(access, `hold ${id} was not released`, async (client) => {
    const { rowCount } = await client.query(
      `INSERT INTO audit_hold_releases (hold_id, reason) SELECT id, $2 FROM audit_holds
       WHERE id = $1 AND NOT EXISTS (SELECT FROM audit_hold_releases WHERE hold_id = $1)`,
      [id, reason],
    );
    if (rowCount === 0) throw new AuditError('ERR_AUDIT_EXPORTER', 'there is none of that number that is still in force');
  });
}

/** All that ever were, the first one first. @throws {AuditError} ERR_AUDIT_EXPORTER */
export function listHolds(access: DatabaseAccess): Promise<readonly Hold[]> {
  return run(access, 'the holds cannot be read', async (client) => {
    const { rows } = await client.query<{ readonly hold: Hold }>(
      `SELECT json_strip_nulls(json_build_object('id', id, 'reason', hold.reason, 'placedAt', placed_at, 'placedBy', placed_by,
         'tenantId', tenant_id, 'actorId', actor_id, 'targetType', target_type, 'targetId', target_id,
         'from', occurred_from, 'to', occurred_to,
         'released', CASE WHEN hold_id IS NOT NULL THEN
           json_build_object('at', released_at, 'by', released_by, 'reason', release.reason) END)) AS hold
       FROM audit_holds AS hold LEFT JOIN audit_hold_releases AS release ON hold_id = id ORDER BY id`,
    );
    return rows.map(({ hold }) => hold);
  });
}

/**
 * Those in force that keep something of an actor, or all of it. A role that is not shown every row is an error, not a no.
 *
 * @throws {AuditError} ERR_AUDIT_EXPORTER
 */
export function holdsOnActor(access: DatabaseAccess, actorId: string): Promise<readonly Pick<Hold, 'id' | 'reason'>[]> {
  return run(access, 'whether a legal hold covers the actor cannot be read', async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query('SET LOCAL row_security = off');
    const { rows } = await client.query<Pick<Hold, 'id' | 'reason'>>(
      `SELECT id::int, reason FROM audit_holds AS hold
       WHERE NOT EXISTS (SELECT FROM audit_hold_releases WHERE hold_id = hold.id) AND (hold.actor_id IS NULL OR hold.actor_id = $1)
         AND (coalesce(tenant_id, target_type, target_id, occurred_from::text, occurred_to::text) IS NULL
           OR EXISTS (SELECT FROM audit_logs AS part WHERE part.actor_id = $1
             AND (hold.tenant_id IS NULL OR hold.tenant_id = part.tenant_id)
             AND (hold.target_type IS NULL OR hold.target_type = part.target_type)
             AND (hold.target_id IS NULL OR hold.target_id = part.target_id)
             AND (hold.occurred_from IS NULL OR part.occurred_at >= hold.occurred_from)
             AND (hold.occurred_to IS NULL OR part.occurred_at < hold.occurred_to)))
       ORDER BY id`,
      [actorId],
    );
    await client.query('COMMIT');
    return rows;
  });
}

const TIMEOUT_MS = 30_000;

function run<Result>(access: DatabaseAccess, what: string, work: (client: ClientBase) => Promise<Result>): Promise<Result> {
  return withConnection(access, { what, statementTimeoutMs: TIMEOUT_MS }, work);
}
