-- audit.changes: what statements did to tracked tables, one row a changed row, written in the statement's own transaction.
--
-- Made once in the service's database by `otel-audit track`. Functions that run with the owner's rights search pg_catalog
-- only. PostgreSQL 13 or newer.

CREATE SCHEMA IF NOT EXISTS audit;

CREATE TABLE audit.changes (
  id            bigint GENERATED ALWAYS AS IDENTITY,
  changed_at    timestamptz NOT NULL,
  xact          xid8        NOT NULL DEFAULT pg_current_xact_id(),
  table_schema  text        COLLATE "C" NOT NULL,
  table_name    text        COLLATE "C" NOT NULL,
  -- insert, update, delete, truncate
  operation     text        NOT NULL,
  -- the primary key's values, joined by commas; null without a primary key
  row_id        text        COLLATE "C",
  -- only where the statement changed the primary key
  new_row_id    text        COLLATE "C",
  -- of an update the changed columns, else the whole row; whole also where there is no primary key to find it by
  before        json,
  after         json,
  -- what the connection said about the request; text, because nothing that is set there may break a statement
  context       text
) PARTITION BY RANGE (changed_at);

CREATE INDEX changes_xact_idx ON audit.changes (xact, id);
CREATE INDEX changes_row_idx ON audit.changes (row_id, id) WHERE row_id IS NOT NULL;
CREATE INDEX changes_new_row_idx ON audit.changes (new_row_id, id) WHERE new_row_id IS NOT NULL;

-- A statement must never fail because nobody made a partition in time.
CREATE FUNCTION audit.make_default_partition() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  CREATE TABLE audit.changes_default PARTITION OF audit.changes DEFAULT;
  CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit.changes_default FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
END $body$;

CREATE TABLE audit.tracked (
  relation    oid         PRIMARY KEY,
  name        text        NOT NULL,
  -- columns as they were when the table was tracked, with their types
  columns     text        NOT NULL,
  known       text[]      NOT NULL,
  excluded    text[]      NOT NULL,
  masked      text[]      NOT NULL,
  tracked_at  timestamptz NOT NULL DEFAULT now()
);

-- How far each destination has got. One row also names the installation, from which the ids of change records are made.
CREATE TABLE audit.installation (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  id       uuid    NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO audit.installation DEFAULT VALUES;

-- Partitions that `otel-audit prune-changes` has removed.
CREATE TABLE audit.removals (
  removed_at    timestamptz NOT NULL DEFAULT now(),
  removed_by    name        NOT NULL DEFAULT session_user,
  partition     text        NOT NULL,
  removed_rows  bigint      NOT NULL,
  changed_from  timestamptz NOT NULL,
  changed_to    timestamptz NOT NULL
);

CREATE TABLE audit.relays (
  destination  text PRIMARY KEY,
  xact         xid8        NOT NULL DEFAULT '0',
  id           bigint      NOT NULL DEFAULT 0,
  holder       text,
  held_until   timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE FUNCTION audit.refuse_change() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  RAISE EXCEPTION 'audit.% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $body$;

-- The month's partition and the next three. A month whose rows are in the default partition already stays there.
CREATE FUNCTION audit.ensure_partitions() RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $body$
DECLARE
  month timestamp;
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(1635083369, 3);
  FOR months IN 0 .. 3 LOOP
    month := date_trunc('month', now() AT TIME ZONE 'UTC') + months * interval '1 month';
    name := 'changes_' || to_char(month, 'YYYY_MM');
    CONTINUE WHEN to_regclass(format('audit.%I', name)) IS NOT NULL;
    CONTINUE WHEN EXISTS (SELECT FROM audit.changes_default
      WHERE changed_at >= month AT TIME ZONE 'UTC' AND changed_at < (month + interval '1 month') AT TIME ZONE 'UTC');
    -- LIKE and ATTACH do not wait for writers, nor they for it, but for those of the default partition; nobody waits long behind us.
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.changes INCLUDING ALL EXCLUDING IDENTITY)', name);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit.%I '
      'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', name);
    EXECUTE format('ALTER TABLE audit.changes ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
      name, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
  END LOOP;
END $body$;

-- A table's columns and their types, in order: another text means another table than the one that was tracked. The functions
-- of the triggers have this query in themselves: a call of it takes three times as long.
CREATE FUNCTION audit.columns_of(relation oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT string_agg(attname || ' ' || atttypid, ',' ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$body$;

-- SQL text of a column's value as JSON text. 64-bit integers and decimals become strings: many readers of JSON would round them.
CREATE FUNCTION audit.value_sql(of_row text, name text, type oid, is_masked boolean, is_known boolean) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT format(CASE
    WHEN NOT is_known THEN 'CASE WHEN %1$s.%2$I IS NULL THEN ''null'' ELSE ''"[UNCLASSIFIED]"'' END'
    WHEN is_masked THEN 'CASE WHEN %1$s.%2$I IS NULL THEN ''null'' ELSE ''"[REDACTED]"'' END'
    WHEN type IN ('json'::regtype, 'jsonb'::regtype, 'int2'::regtype, 'int4'::regtype) THEN 'coalesce(%1$s.%2$I::text, ''null'')'
    WHEN type IN ('int8'::regtype, 'numeric'::regtype) THEN 'coalesce(''"'' || %1$s.%2$I::text || ''"'', ''null'')'
    WHEN type = 'bytea'::regtype THEN 'coalesce(''"['' || octet_length(%1$s.%2$I) || '' bytes]"'', ''null'')'
    ELSE 'coalesce(to_json(%1$s.%2$I)::text, ''null'')'
  END, of_row, name)
$body$;

-- SQL text of a JSON object of these members, leaving out those that are null. In parts, as a function takes 100 arguments.
CREATE FUNCTION audit.object_sql(members text[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT format('(''{'' || concat_ws('','', %s) || ''}'')::json', string_agg(part, ', ' ORDER BY first))
  FROM (SELECT first, format('nullif(concat_ws('','', %s), '''')', array_to_string(members[first : first + 89], ', ')) AS part
    FROM generate_series(1, cardinality(members), 90) AS first) AS parts
$body$;

-- Whether a column was changed. By its stored image where equality would hide a difference (1.0 and 1.00) or is not defined (json).
CREATE FUNCTION audit.changed_sql(name text, type oid) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT format(CASE
    WHEN type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'bool'::regtype, 'uuid'::regtype, 'date'::regtype,
      'timestamp'::regtype, 'timestamptz'::regtype) THEN 'o.%1$I IS DISTINCT FROM n.%1$I'
    WHEN type IN ('text'::regtype, 'varchar'::regtype) THEN 'o.%1$I COLLATE "C" IS DISTINCT FROM n.%1$I COLLATE "C"'
    ELSE 'record_image_ne(ROW(o.%1$I), ROW(n.%1$I))'
  END, name)
$body$;

-- The statement that records an insert, an update or a delete of this table, from audit_old and audit_new.
CREATE FUNCTION audit.record_sql(relation oid, operation text, excluded text[], masked text[], known text[]) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  schema_name text;
  table_name text;
  key_old text;
  key_new text;
  key_changed text;
  whole text;
  before_changed text;
  after_changed text;
  any_changed text;
  of_row text := CASE operation WHEN 'insert' THEN 'n' ELSE 'o' END;
BEGIN
  SELECT nspname, relname INTO schema_name, table_name
    FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace WHERE c.oid = relation;
  SELECT string_agg(format('o.%I::text', attname), ' || '','' || ' ORDER BY place),
         string_agg(format('n.%I::text', attname), ' || '','' || ' ORDER BY place),
         string_agg(audit.changed_sql(attname, atttypid), ' OR ' ORDER BY place)
    INTO key_old, key_new, key_changed
    FROM pg_index, unnest(indkey) WITH ORDINALITY AS key(attnum, place)
    JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = key.attnum
    WHERE indrelid = relation AND indisprimary;
  SELECT audit.object_sql(array_agg(format('%L || %s', label, audit.value_sql(of_row, attname, atttypid, is_masked, is_known)) ORDER BY attnum)),
         audit.object_sql(array_agg(format('CASE WHEN %s THEN %L || %s END', changed, label, audit.value_sql('o', attname, atttypid, is_masked, is_known)) ORDER BY attnum)),
         audit.object_sql(array_agg(format('CASE WHEN %s THEN %L || %s END', changed, label, audit.value_sql('n', attname, atttypid, is_masked, is_known)) ORDER BY attnum)),
         string_agg(changed, ' OR ' ORDER BY attnum)
    INTO whole, before_changed, after_changed, any_changed
    FROM pg_attribute, LATERAL (SELECT to_json(attname)::text || ':' AS label, audit.changed_sql(attname, atttypid) AS changed,
      attname = ANY (masked) AS is_masked, attname = ANY (known) AS is_known) AS about
    WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attname <> ALL (excluded);
  IF operation = 'update' THEN
    -- The two tables hold the rows in the order in which they were changed: pairs, also where the primary key itself changed.
    RETURN format(
      'INSERT INTO audit.changes (changed_at, table_schema, table_name, operation, row_id, new_row_id, before, after, context) '
      'SELECT clock_timestamp(), %L, %L, ''update'', %s, %s, '
      '%s, %s, '
      'nullif(current_setting(''audit.context'', true), '''') '
      'FROM (SELECT row_number() OVER () AS audit_row, * FROM audit_old) o '
      'JOIN (SELECT row_number() OVER () AS audit_row, * FROM audit_new) n ON o.audit_row = n.audit_row WHERE %s ORDER BY o.audit_row',
      schema_name, table_name, coalesce(key_old, 'NULL'),
      CASE WHEN key_old IS NULL THEN 'NULL' ELSE format('CASE WHEN %s THEN %s END', key_changed, key_new) END,
      CASE WHEN key_old IS NULL THEN whole ELSE before_changed END, after_changed, any_changed);
  END IF;
  RETURN format(
    'INSERT INTO audit.changes (changed_at, table_schema, table_name, operation, row_id, before, after, context) '
    'SELECT clock_timestamp(), %L, %L, %L, %s, %s, nullif(current_setting(''audit.context'', true), '''') FROM %s',
    schema_name, table_name, operation, coalesce(CASE of_row WHEN 'o' THEN key_old ELSE key_new END, 'NULL'),
    format(CASE of_row WHEN 'o' THEN '%s, NULL::json' ELSE 'NULL::json, %s' END, whole),
    CASE of_row WHEN 'o' THEN 'audit_old o' ELSE 'audit_new n' END);
END $body$;

-- Tracks a table from now on, or again after its columns have changed. The caller holds the lock that CREATE TRIGGER takes.
CREATE FUNCTION audit.track(tracked_relation oid, excluded_columns text[], masked_columns text[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $track$
DECLARE
  name text := (SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace WHERE c.oid = tracked_relation);
  bare_name text := (SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace WHERE c.oid = tracked_relation);
  now_columns text := audit.columns_of(tracked_relation);
  now_known text[] := (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = tracked_relation AND attnum > 0 AND NOT attisdropped);
  branches text := '';
  body text;
  operation text;
BEGIN
  INSERT INTO audit.tracked (relation, name, columns, known, excluded, masked)
    VALUES (tracked_relation, name, now_columns, now_known, excluded_columns, masked_columns)
    ON CONFLICT (relation) DO UPDATE SET name = EXCLUDED.name, columns = EXCLUDED.columns, known = EXCLUDED.known,
      excluded = EXCLUDED.excluded, masked = EXCLUDED.masked, tracked_at = now();
  FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
    branches := branches || format(E'    %s TG_OP = %L THEN\n      %s;\n', CASE operation WHEN 'insert' THEN 'IF' ELSE 'ELSIF' END,
      upper(operation), audit.record_sql(tracked_relation, operation, excluded_columns, masked_columns, now_known));
  END LOOP;
  body := format($body$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO audit.changes (changed_at, table_schema, table_name, operation, context)
      VALUES (clock_timestamp(), TG_TABLE_SCHEMA, TG_TABLE_NAME, 'truncate', nullif(current_setting('audit.context', true), ''));
  ELSIF TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME = %L AND (SELECT string_agg(attname || ' ' || atttypid, ',' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped) = %L THEN
%s    END IF;
  ELSE
    -- The table has other columns than when it was tracked: slower, and what nobody has classified is masked.
    EXECUTE (SELECT audit.record_sql(TG_RELID, lower(TG_OP), excluded, masked, known) FROM audit.tracked WHERE relation = TG_RELID);
  END IF;
  RETURN NULL;
END $body$, bare_name, now_columns, branches);
  -- jit: a plan that a bulk statement had compiled makes later single rows 100 times slower. enable_nestloop: a plan made for
  -- one row serves 50,000 later.
  EXECUTE format('CREATE OR REPLACE FUNCTION audit.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER '
    'SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = off AS %L', 'record_' || tracked_relation, body);
  EXECUTE format('REVOKE ALL ON FUNCTION audit.%I() FROM PUBLIC', 'record_' || tracked_relation);
  PERFORM audit.drop_triggers(tracked_relation);
  EXECUTE format('CREATE TRIGGER audit_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS audit_new FOR EACH STATEMENT EXECUTE FUNCTION audit.%I()',
    name, 'record_' || tracked_relation);
  EXECUTE format('CREATE TRIGGER audit_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS audit_old NEW TABLE AS audit_new FOR EACH STATEMENT EXECUTE FUNCTION audit.%I()',
    name, 'record_' || tracked_relation);
  EXECUTE format('CREATE TRIGGER audit_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS audit_old FOR EACH STATEMENT EXECUTE FUNCTION audit.%I()',
    name, 'record_' || tracked_relation);
  EXECUTE format('CREATE TRIGGER audit_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.%I()',
    name, 'record_' || tracked_relation);
END $track$;

-- Forgets a table; what was recorded of it stays.
CREATE FUNCTION audit.untrack(tracked_relation oid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  PERFORM audit.drop_triggers(tracked_relation);
  EXECUTE format('DROP FUNCTION IF EXISTS audit.%I()', 'record_' || tracked_relation);
  DELETE FROM audit.tracked WHERE relation = tracked_relation;
END $body$;

CREATE FUNCTION audit.drop_triggers(tracked_relation oid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  name text := (SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace WHERE c.oid = tracked_relation);
  operation text;
BEGIN
  FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', 'audit_' || operation, name);
  END LOOP;
END $body$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit.changes FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit.changes FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.removals FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;

SELECT audit.make_default_partition();
SELECT audit.ensure_partitions();
