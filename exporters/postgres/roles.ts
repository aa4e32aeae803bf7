/** The roles that share the work so that none can do all of it: writer, reader, retention. The owner makes them. */

import { AuditError } from '../../src/errors.js';

/**
 * The SQL that makes the roles `<prefix>_writer`, `<prefix>_reader` and `<prefix>_retention`, which cannot log in and are
 * granted to those that can, and switches row level security on. May be run again.
 *
 * @throws {AuditError} ERR_AUDIT_EXPORTER if the prefix is not a plain lower-case name
 */
export function rolesSql(prefix: string): string {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(prefix))
    throw new AuditError('ERR_AUDIT_EXPORTER', 'the prefix of the roles must be lower-case letters, digits and underscores');
  return TEMPLATE.replaceAll('@prefix@', prefix);
}

const TEMPLATE = `DO $roles$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['@prefix@_writer', '@prefix@_reader', '@prefix@_retention'] LOOP
    IF to_regrole(name) IS NULL THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    END IF;
  END LOOP;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO @prefix@_writer, @prefix@_reader, @prefix@_retention', current_schema());
END $roles$;

-- writes, and can neither read nor change
GRANT INSERT ON audit_logs TO @prefix@_writer;
GRANT EXECUTE ON FUNCTION audit_ensure_partition(timestamptz), audit_ensure_partitions(),
  audit_differing(uuid[], timestamptz[], text[]) TO @prefix@_writer;

-- reads what audit_readers says: INSERT INTO audit_readers VALUES ('alice', 'acme'), or null for every tenant
GRANT SELECT ON audit_logs, audit_readers, audit_removals, audit_removed_ranges, audit_checkpoints TO @prefix@_reader;
GRANT EXECUTE ON FUNCTION audit_changes_of(text) TO @prefix@_reader;
DO $views$
BEGIN
  -- Before 15 a view runs with its owner's rights, past row level security.
  IF current_setting('server_version_num')::integer >= 150000 THEN
    GRANT SELECT ON audit_trail, audit_failed_logins, audit_row_changes TO @prefix@_reader;
  END IF;
END $views$;

-- reads everything, holds, archives, and removes what audit_prune lets go
GRANT SELECT ON audit_logs, audit_readers, audit_settings, audit_holds, audit_hold_releases, audit_removals, audit_removed_ranges,
  audit_checkpoints TO @prefix@_retention;
GRANT INSERT ON audit_holds, audit_hold_releases TO @prefix@_retention;
GRANT EXECUTE ON FUNCTION audit_prune(text, jsonb, boolean) TO @prefix@_retention;

ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_readers ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS audit_write ON audit_logs;
CREATE POLICY audit_write ON audit_logs FOR INSERT WITH CHECK (true);
DROP POLICY IF EXISTS audit_retain ON audit_logs;
CREATE POLICY audit_retain ON audit_logs FOR SELECT TO @prefix@_retention USING (true);
DROP POLICY IF EXISTS audit_read ON audit_logs;
CREATE POLICY audit_read ON audit_logs FOR SELECT USING (
  EXISTS (SELECT FROM audit_readers WHERE role_name = current_user AND tenant_id IS NULL)
  OR tenant_id IN (SELECT tenant_id FROM audit_readers WHERE role_name = current_user));
-- Narrows what a session sees, for a service that shows its tenants their own trail.
DROP POLICY IF EXISTS audit_narrow ON audit_logs;
CREATE POLICY audit_narrow ON audit_logs AS RESTRICTIVE FOR SELECT USING (
  coalesce(current_setting('audit.tenant', true), '') IN ('', tenant_id));
DROP POLICY IF EXISTS audit_own ON audit_readers;
CREATE POLICY audit_own ON audit_readers FOR SELECT USING (role_name = current_user);
`;
