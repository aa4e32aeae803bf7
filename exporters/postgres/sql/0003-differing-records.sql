-- For writers, who may not read: which of the records they offered are stored already, but otherwise than they were offered.

DO $install$
BEGIN
  EXECUTE replace($sql$

    -- Places in the arrays, from 1. By the primary key, row by row: a plan for few rows, whatever the statistics say.
    CREATE OR REPLACE FUNCTION @schema@.audit_differing(ids uuid[], times timestamptz[], hashes text[]) RETURNS SETOF integer
      LANGUAGE sql STABLE SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
      SELECT offered.place::integer
      FROM unnest(ids, times, hashes) WITH ORDINALITY AS offered (id, at, hash, place)
      JOIN @schema@.audit_logs AS stored ON stored.id = offered.id AND stored.occurred_at = offered.at
      WHERE stored.hash <> offered.hash
      ORDER BY offered.place
    $body$;

  $sql$, '@schema@', quote_ident(current_schema()));
END $install$;

REVOKE ALL ON FUNCTION audit_differing(uuid[], timestamptz[], text[]) FROM PUBLIC;
