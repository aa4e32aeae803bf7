-- Each changed row beside the request that changed it: from records of kind change, which name it, and from what ORM adapters told
-- in the request's own record. Work outside of requests, and requests that are not stored here, leave the request's columns null.

CREATE OR REPLACE VIEW audit_row_changes AS
  SELECT log.occurred_at, coalesce(log.actor_email, log.actor_id) AS actor, log.actor_verified,
    coalesce(log.tenant_slug, log.tenant_id) AS tenant, change ->> 'table' AS table_name, change ->> 'id' AS row_id,
    change ->> 'operation' AS operation, change -> 'before' AS before, change -> 'after' AS after,
    -- false: an ORM did not see all of it
    coalesce((change ->> 'complete')::boolean, true) AS is_complete,
    request.action, coalesce(request.method, log.method) AS method, coalesce(request.path, log.path) AS path, request.status_code, request.outcome,
    request.id AS request_record_id, log.id
  FROM audit_logs AS log
  CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(log.changes) = 'array' THEN log.changes ELSE '[]' END) AS change
  LEFT JOIN audit_logs AS request ON request.id = CASE WHEN log.kind = 'change' THEN log.refers_to ELSE log.id END
  WHERE log.changes IS NOT NULL
    -- relayed once more after a crash, and the first time had succeeded
    AND NOT EXISTS (SELECT FROM audit_logs AS first WHERE log.kind = 'change'
      AND first.id::text = log.metadata ->> 'mayRepeat' AND first.occurred_at = log.occurred_at);

DO $rights$
BEGIN
  IF current_setting('server_version_num')::integer >= 150000 THEN
    ALTER VIEW audit_row_changes SET (security_invoker = true);
  END IF;
END $rights$;
