/** `otel-audit/orm/pg`: contexts on the connections of the `pg` package where the preload cannot reach it. */

import { livePipeline } from '../../live.js';
import { type PgModule, patchPg } from '../drivers.js';

/**
 * `auditPg(pg)`: what statements of all its clients and pools change is recorded with the actor of their request. Needed only where
 * `pg` is bundled into the service. Twice does no harm. A no-op without a live pipeline, and with `AUDIT_CAPTURE_ORM_DIFFS=false`.
 */
export function auditPg(pg: { readonly Client: unknown; readonly Pool?: unknown }): void {
  const changes = livePipeline()?.changes;
  if (changes !== undefined) patchPg(pg as PgModule, changes.carrier);
}
