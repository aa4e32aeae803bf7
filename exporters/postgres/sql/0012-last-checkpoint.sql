-- The last checkpoint is the one made last; until now it was that of the longest stream.

DO $install$
BEGIN
  EXECUTE replace($sql$
    CREATE OR REPLACE FUNCTION @schema@.audit_last_checkpoint() RETURNS jsonb
      LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    SELECT to_jsonb(one) FROM @schema@.audit_checkpoints AS one ORDER BY occurred_at DESC, seq DESC LIMIT 1
    $body$;
  $sql$, '@schema@', quote_ident(current_schema()));
END $install$;
