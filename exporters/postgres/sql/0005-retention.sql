-- Legal holds, and the removal of rows whose time is over. Nobody removes anything but through audit_prune, which keeps a
-- ledger of what it removed: the hash chains can still be followed across the gap.

CREATE TABLE IF NOT EXISTS audit_holds (
  id             bigint       GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reason         text         NOT NULL,
  -- each narrows the hold; one that says nothing covers every row
  tenant_id      text,
  actor_id       text,
  target_type    text,
  target_id      text,
  occurred_from  timestamptz,
  occurred_to    timestamptz,
  placed_at      timestamptz  NOT NULL DEFAULT now(),
  placed_by      name         NOT NULL DEFAULT session_user
);

CREATE TABLE IF NOT EXISTS audit_hold_releases (
  hold_id      bigint       PRIMARY KEY REFERENCES audit_holds,
  reason       text         NOT NULL,
  released_at  timestamptz  NOT NULL DEFAULT now(),
  released_by  name         NOT NULL DEFAULT session_user
);

CREATE TABLE IF NOT EXISTS audit_removals (
  id             bigint       GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  removed_at     timestamptz  NOT NULL DEFAULT now(),
  removed_by     name         NOT NULL DEFAULT session_user,
  partition      text         NOT NULL,
  removed_rows   bigint       NOT NULL,
  kept_rows      bigint       NOT NULL,
  occurred_from  timestamptz  NOT NULL,
  occurred_to    timestamptz  NOT NULL,
  -- the periods that were asked for
  keep           jsonb        NOT NULL,
  -- the last checkpoint at the time, if there were any
  checkpoint     jsonb
);

-- Each an unbroken run of a stream that is gone, with the prev_hash of its first record and the hash of its last: the record
-- after it names that hash as its predecessor.
CREATE TABLE IF NOT EXISTS audit_removed_ranges (
  removal_id  bigint   NOT NULL REFERENCES audit_removals,
  stream      text     NOT NULL,
  epoch       integer  NOT NULL,
  first_seq   bigint   NOT NULL,
  last_seq    bigint   NOT NULL,
  prev_hash   text     NOT NULL,
  hash        text     NOT NULL,
  PRIMARY KEY (stream, epoch, first_seq, removal_id)
);

-- No period is shorter, whoever asks: a stolen retention role cannot remove what was done yesterday.
INSERT INTO audit_settings (name, value) VALUES ('minimum_keep', '30 days') ON CONFLICT DO NOTHING;

DO $install$
BEGIN
  EXECUTE replace($sql$

    CREATE OR REPLACE FUNCTION @schema@.audit_refuse_change() RETURNS trigger
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    BEGIN
      RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
    END $body$;

    -- keep: {"default": "400 days", "tenants": {"acme": "7 years"}, "levels": {"metadata": "90 days"}}. A tenant's period goes
    -- before a level's, that before the default. Counts, and removes if told to: the whole partition if nothing in it is kept,
    -- else the partition gives way to one with the kept rows. Rows of other partitions are not touched.
    CREATE OR REPLACE FUNCTION @schema@.audit_prune(part text, keep jsonb, apply boolean,
        OUT total bigint, OUT expired bigint, OUT held bigint, OUT removed bigint)
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $body$
    DECLARE
      parent constant regclass := '@schema@.audit_logs';
      old regclass := (SELECT inhrelid FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = '@schema@.audit_logs'::regclass AND relname = part);
      minimum interval := (SELECT value::interval FROM @schema@.audit_settings WHERE name = 'minimum_keep');
      bounds text := (SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = old);
      removal bigint;
      is_expired constant text := $expired$ occurred_at < now() - (coalesce(
        $1 -> 'tenants' ->> tenant_id,
        $1 -> 'levels' ->> CASE
          WHEN response_body IS NOT NULL OR rest #> '{response,body}' IS NOT NULL THEN 'full'
          WHEN request_body IS NOT NULL OR rest #> '{request,body}' IS NOT NULL THEN 'request'
          ELSE 'metadata' END,
        $1 ->> 'default'))::interval $expired$;
      is_free constant text := is_expired || $held$ AND NOT EXISTS (
        SELECT FROM @schema@.audit_holds AS hold
        WHERE NOT EXISTS (SELECT FROM @schema@.audit_hold_releases WHERE hold_id = hold.id)
          AND (hold.tenant_id IS NULL OR hold.tenant_id = part.tenant_id)
          AND (hold.actor_id IS NULL OR hold.actor_id = part.actor_id)
          AND (hold.target_type IS NULL OR hold.target_type = part.target_type)
          AND (hold.target_id IS NULL OR hold.target_id = part.target_id)
          AND (hold.occurred_from IS NULL OR part.occurred_at >= hold.occurred_from)
          AND (hold.occurred_to IS NULL OR part.occurred_at < hold.occurred_to)) $held$;
    BEGIN
      IF old IS NULL THEN
        RAISE EXCEPTION 'audit_logs has no partition %', part USING ERRCODE = 'AU001';
      END IF;
      IF keep ->> 'default' IS NULL OR EXISTS (
          SELECT FROM (SELECT keep ->> 'default' AS period UNION ALL SELECT value FROM jsonb_each_text(keep -> 'tenants')
            UNION ALL SELECT value FROM jsonb_each_text(keep -> 'levels')) AS asked
          -- Not the intervals themselves: '-10 years 3640 days' is more than 30 days to the server, which ends after now.
          WHERE now() - period::interval > now() - minimum) THEN
        RAISE EXCEPTION 'every period must be at least %, as audit_settings says', minimum USING ERRCODE = 'AU001';
      END IF;
      IF apply THEN
        PERFORM pg_advisory_xact_lock(1635083369, 3);
        -- A late row would be lost between the counting and the removal.
        EXECUTE format('LOCK TABLE %s IN SHARE MODE', old);
      END IF;
      EXECUTE format('SELECT count(*), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE %s) FROM %s AS part', is_expired, is_free, old)
        INTO total, expired, removed USING keep;
      held := expired - removed;
      IF NOT apply OR removed = 0 THEN
        RETURN;
      END IF;

      EXECUTE format('INSERT INTO @schema@.audit_removals (partition, removed_rows, kept_rows, occurred_from, occurred_to, keep, checkpoint)
        SELECT %L, count(*), %s, min(occurred_at), max(occurred_at), $1, @schema@.audit_last_checkpoint() FROM %s AS part WHERE %s RETURNING id',
        part, total - removed, old, is_free) INTO removal USING keep;
      EXECUTE format('
        WITH gone AS (SELECT stream, epoch, seq, prev_hash, hash, lag(seq) OVER line IS DISTINCT FROM seq - 1 AS starts,
            lead(seq) OVER line IS DISTINCT FROM seq + 1 AS ends
          FROM %s AS part WHERE %s WINDOW line AS (PARTITION BY stream, epoch ORDER BY seq)),
        starts AS (SELECT *, row_number() OVER (PARTITION BY stream, epoch ORDER BY seq) AS run FROM gone WHERE starts),
        ends AS (SELECT *, row_number() OVER (PARTITION BY stream, epoch ORDER BY seq) AS run FROM gone WHERE ends)
        INSERT INTO @schema@.audit_removed_ranges (removal_id, stream, epoch, first_seq, last_seq, prev_hash, hash)
        SELECT %s, stream, epoch, starts.seq, ends.seq, starts.prev_hash, ends.hash FROM starts JOIN ends USING (stream, epoch, run)',
        old, is_free, removal) USING keep;

      IF removed < total THEN
        EXECUTE format('CREATE TABLE @schema@.audit_kept (LIKE %s INCLUDING ALL)', old);
        EXECUTE format('INSERT INTO @schema@.audit_kept SELECT * FROM %s AS part WHERE NOT (%s)', old, is_free) USING keep;
        EXECUTE 'CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON @schema@.audit_kept '
          'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.audit_refuse_change()';
        -- Spares ATTACH the look at every row.
        EXECUTE format('ALTER TABLE @schema@.audit_kept ADD CONSTRAINT audit_kept_bounds CHECK (%s)', pg_get_partition_constraintdef(old));
      END IF;
      -- Here writers wait: for this lock, and for the catalogue only.
      EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, old);
      EXECUTE format('DROP TABLE %s', old);
      IF removed < total THEN
        EXECUTE format('ALTER TABLE @schema@.audit_kept RENAME TO %I', part);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION @schema@.%I %s', parent, part, bounds);
        EXECUTE format('ALTER TABLE @schema@.%I DROP CONSTRAINT audit_kept_bounds', part);
      END IF;
    END $body$;

    -- Whoever keeps checkpoints keeps them in audit_checkpoints, oldest first by its first column.
    CREATE OR REPLACE FUNCTION @schema@.audit_last_checkpoint() RETURNS jsonb
      LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      last jsonb;
    BEGIN
      IF to_regclass('@schema@.audit_checkpoints') IS NOT NULL THEN
        EXECUTE 'SELECT to_jsonb(one) FROM @schema@.audit_checkpoints AS one ORDER BY 1 DESC LIMIT 1' INTO last;
      END IF;
      RETURN last;
    END $body$;

  $sql$, '@schema@', quote_ident(current_schema()));
END $install$;

REVOKE ALL ON FUNCTION audit_prune(text, jsonb, boolean), audit_last_checkpoint() FROM PUBLIC;

DO $triggers$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['audit_holds', 'audit_hold_releases', 'audit_removals', 'audit_removed_ranges'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS audit_append_only ON %I', name);
    EXECUTE format('CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()', name);
  END LOOP;
END $triggers$;
