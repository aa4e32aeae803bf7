-- audit_logs: one row a record, partitioned by month, append-only.
--
-- Everything is made in the first schema of the search_path. Functions that run with the owner's rights name that schema
-- and search pg_catalog only, so that nobody can slip an object of their own in between.

CREATE TABLE IF NOT EXISTS audit_logs (
  id                       uuid             NOT NULL,
  schema_version           integer          NOT NULL,
  kind                     text             NOT NULL,
  phase                    text,
  refers_to                uuid,
  occurred_at              timestamptz      NOT NULL,
  observed_at              timestamptz      NOT NULL,
  action                   text             NOT NULL,
  outcome                  text             NOT NULL,
  actor_id                 text             NOT NULL,
  actor_type               text             NOT NULL,
  actor_email              text,
  actor_verified           boolean          NOT NULL,
  -- the actor's other members
  actor                    jsonb,
  tenant_id                text,
  tenant_slug              text,
  target_type              text,
  target_id                text,
  request_id               text,
  method                   text,
  path                     text,
  route                    text,
  query                    text,
  request_headers          jsonb,
  request_content_type     text,
  -- json, not jsonb: exactly the text that was hashed
  request_body             json,
  request_body_format      text,
  request_body_size        bigint,
  request_body_truncated   boolean,
  request_body_omitted     text,
  status_code              integer,
  response_content_type    text,
  response_body            json,
  response_body_format     text,
  response_body_size       bigint,
  response_body_truncated  boolean,
  response_body_omitted    text,
  duration_ms              double precision,
  client_address           inet,
  client_port              integer,
  forwarded                text,
  user_agent               text,
  geo                      jsonb,
  trace_id                 text,
  span_id                  text,
  service_name             text             NOT NULL,
  service_version          text,
  service_instance         text,
  error                    jsonb,
  changes                  jsonb,
  metadata                 jsonb,
  stream                   text             NOT NULL,
  epoch                    integer          NOT NULL,
  seq                      bigint           NOT NULL,
  prev_hash                text             NOT NULL,
  hash                     text             NOT NULL,
  -- what the columns cannot hold exactly, by member
  rest                     jsonb,
  PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);

CREATE INDEX IF NOT EXISTS audit_logs_request_idx ON audit_logs (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_logs_actor_idx ON audit_logs (actor_id, occurred_at);
CREATE INDEX IF NOT EXISTS audit_logs_tenant_idx ON audit_logs (tenant_id, occurred_at) WHERE tenant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_logs_action_idx ON audit_logs (action, occurred_at);
CREATE INDEX IF NOT EXISTS audit_logs_target_idx ON audit_logs (target_type, target_id, occurred_at) WHERE target_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_logs_trace_idx ON audit_logs (trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_logs_time_idx ON audit_logs USING brin (occurred_at);

-- Less CPU than the default compression, where the server was built with it (from 14).
DO $lz4$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['request_body', 'response_body', 'changes', 'metadata'] LOOP
    EXECUTE format('ALTER TABLE audit_logs ALTER COLUMN %I SET COMPRESSION lz4', name);
  END LOOP;
EXCEPTION WHEN feature_not_supported OR syntax_error THEN
  NULL;
END $lz4$;

DO $install$
BEGIN
  IF current_schema() ~ '[%'']' THEN
    RAISE EXCEPTION 'the schema must not have a percent sign or a quote in its name';
  END IF;
  EXECUTE replace($sql$

    CREATE OR REPLACE FUNCTION @schema@.audit_refuse_change() RETURNS trigger
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    BEGIN
      RAISE EXCEPTION 'audit_logs is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $body$;

    -- Makes the partition that holds a time. False if it was there. LIKE and ATTACH do not wait for writers, nor they for it.
    CREATE OR REPLACE FUNCTION @schema@.audit_create_partition(at timestamptz) RETURNS boolean
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      first timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
      name text := 'audit_logs_' || to_char(first, 'YYYY_MM');
    BEGIN
      IF to_regclass(format('@schema@.%I', name)) IS NULL THEN
        -- One at a time; released at the end of the transaction.
        PERFORM pg_advisory_xact_lock(1635083369, 2);
      END IF;
      IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(format('@schema@.%I', name))) THEN
        RETURN false;
      END IF;
      EXECUTE format('CREATE TABLE @schema@.%I (LIKE @schema@.audit_logs INCLUDING ALL)', name);
      -- Statement triggers are not inherited, and TRUNCATE has no others.
      EXECUTE format('CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON @schema@.%I '
        'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.audit_refuse_change()', name);
      EXECUTE format('ALTER TABLE @schema@.audit_logs ATTACH PARTITION @schema@.%I FOR VALUES FROM (%L) TO (%L)',
        name, to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
      RETURN true;
    END $body$;

    -- For writers: a partition for a row that has none. False if the time is outside the window in which writers may do that
    -- (a wrong clock must not fill the catalogue with tables); the owner may call audit_create_partition for any time.
    CREATE OR REPLACE FUNCTION @schema@.audit_ensure_partition(at timestamptz) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      first timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
      today timestamp := now() AT TIME ZONE 'UTC';
    BEGIN
      IF first < date_trunc('month', today - interval '400 days') OR first > date_trunc('month', today + interval '2 days') THEN
        RETURN EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(format('@schema@.%I', 'audit_logs_' || to_char(first, 'YYYY_MM'))));
      END IF;
      PERFORM @schema@.audit_create_partition(at);
      RETURN true;
    END $body$;

    -- From the month before this one to three ahead; the number of partitions made.
    CREATE OR REPLACE FUNCTION @schema@.audit_ensure_partitions() RETURNS integer
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      made integer := 0;
    BEGIN
      FOR months IN -1 .. 3 LOOP
        IF @schema@.audit_create_partition((date_trunc('month', now() AT TIME ZONE 'UTC') + months * interval '1 month') AT TIME ZONE 'UTC') THEN
          made := made + 1;
        END IF;
      END LOOP;
      RETURN made;
    END $body$;

  $sql$, '@schema@', quote_ident(current_schema()));
END $install$;

REVOKE ALL ON FUNCTION audit_create_partition(timestamptz), audit_ensure_partition(timestamptz), audit_ensure_partitions() FROM PUBLIC;

DROP TRIGGER IF EXISTS audit_append_only ON audit_logs;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_logs
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
DROP TRIGGER IF EXISTS audit_append_only_truncate ON audit_logs;
CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON audit_logs
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- Only the first time: a script that is run again may find partitions of another size.
SELECT audit_ensure_partitions() WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass);
