-- Views for people. They run with the rights of whoever asks, so that row level security holds through them as well; servers
-- before 15 cannot do that, and there the views are for roles that may read everything.

CREATE OR REPLACE VIEW audit_trail AS
  SELECT occurred_at, coalesce(actor_email, actor_id) AS actor, actor_type, actor_verified, coalesce(tenant_slug, tenant_id) AS tenant,
    action, target_type, target_id, outcome, status_code, method, path, round(duration_ms::numeric, 1) AS duration_ms,
    client_address, request_id, trace_id, service_name, actor_id, tenant_id, id
  FROM audit_logs
  WHERE kind IN ('http', 'event', 'change') AND phase IS NULL;

-- What a service says of logins, and every request that was refused for want of one.
CREATE OR REPLACE VIEW audit_failed_logins AS
  SELECT occurred_at, coalesce(actor_email, actor_id) AS claimed_actor, coalesce(tenant_slug, tenant_id) AS tenant, action, status_code,
    method, path, client_address, user_agent, coalesce(error ->> 'message', error ->> 'type') AS reason, service_name, id
  FROM audit_logs
  WHERE outcome = 'failure' AND phase IS NULL
    AND (status_code = 401 OR action ~* '(^|[._-])(log[._-]?in|sign[._-]?in|log[._-]?on|authenticate)([._-]|$)');

DO $rights$
BEGIN
  IF current_setting('server_version_num')::integer >= 150000 THEN
    ALTER VIEW audit_trail SET (security_invoker = true);
    ALTER VIEW audit_failed_logins SET (security_invoker = true);
  END IF;
END $rights$;

-- Everything that happened to one thing, and every row that was changed of it, oldest first: 'order/o-17', or the id alone.
CREATE OR REPLACE FUNCTION audit_changes_of(target text) RETURNS TABLE (
    occurred_at timestamptz, actor text, action text, outcome text, operation text, before jsonb, after jsonb, id uuid)
  LANGUAGE sql STABLE AS $body$
  SELECT log.occurred_at, coalesce(log.actor_email, log.actor_id), log.action, log.outcome,
    change ->> 'operation', change -> 'before', change -> 'after', log.id
  FROM audit_logs AS log LEFT JOIN LATERAL jsonb_array_elements(log.changes) AS change ON jsonb_typeof(log.changes) = 'array'
  WHERE log.target_id = CASE WHEN position('/' IN target) > 0 THEN substr(target, position('/' IN target) + 1) ELSE target END
    AND (position('/' IN target) = 0 OR log.target_type = split_part(target, '/', 1))
  ORDER BY log.occurred_at, log.seq
$body$;
REVOKE ALL ON FUNCTION audit_changes_of(text) FROM PUBLIC;
