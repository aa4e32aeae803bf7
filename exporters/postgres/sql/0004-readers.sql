-- Which role may read which tenant's rows, once `otel-audit migrate --roles` has switched row level security on.

CREATE TABLE IF NOT EXISTS audit_readers (
  role_name  name  NOT NULL,
  -- null: every tenant, and the rows of none
  tenant_id  text
);
CREATE UNIQUE INDEX IF NOT EXISTS audit_readers_idx ON audit_readers (role_name, coalesce(tenant_id, ''));
