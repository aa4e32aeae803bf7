-- Partitions of a month or of a day. `otel-audit migrate --partitions day` calls audit_partition_by.

-- What the owner's functions go by. Only the owner may change it.
CREATE TABLE IF NOT EXISTS audit_settings (
  name   text  PRIMARY KEY,
  value  text  NOT NULL
);
INSERT INTO audit_settings (name, value) VALUES ('partition', 'month') ON CONFLICT DO NOTHING;

DO $install$
BEGIN
  EXECUTE replace($sql$

    -- The attached partition that holds a time, if there is one.
    CREATE OR REPLACE FUNCTION @schema@.audit_partition_of(at timestamptz) RETURNS regclass
      LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
      SELECT inhrelid::regclass FROM pg_inherits
      WHERE inhparent = '@schema@.audit_logs'::regclass AND inhrelid IN (
        to_regclass('@schema@.audit_logs_' || to_char(at AT TIME ZONE 'UTC', 'YYYY_MM')),
        to_regclass('@schema@.audit_logs_' || to_char(at AT TIME ZONE 'UTC', 'YYYY_MM_DD')))
    $body$;

    -- Makes the partition that holds a time. False if it was there. LIKE and ATTACH do not wait for writers, nor they for it.
    CREATE OR REPLACE FUNCTION @schema@.audit_create_partition(at timestamptz) RETURNS boolean
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      unit text := (SELECT value FROM @schema@.audit_settings WHERE audit_settings.name = 'partition');
      month text := 'audit_logs_' || to_char(at AT TIME ZONE 'UTC', 'YYYY_MM');
      first timestamp;
      name text;
    BEGIN
      IF @schema@.audit_partition_of(at) IS NOT NULL THEN
        RETURN false;
      END IF;
      -- One at a time; released at the end of the transaction.
      PERFORM pg_advisory_xact_lock(1635083369, 2);
      IF @schema@.audit_partition_of(at) IS NOT NULL THEN
        RETURN false;
      END IF;
      -- A month keeps the size it was begun with.
      IF EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
          WHERE inhparent = '@schema@.audit_logs'::regclass AND starts_with(relname, month || '_')) THEN
        unit := 'day';
      END IF;
      first := date_trunc(unit, at AT TIME ZONE 'UTC');
      name := CASE unit WHEN 'day' THEN 'audit_logs_' || to_char(first, 'YYYY_MM_DD') ELSE month END;
      EXECUTE format('CREATE TABLE @schema@.%I (LIKE @schema@.audit_logs INCLUDING ALL)', name);
      -- Statement triggers are not inherited, and TRUNCATE has no others.
      EXECUTE format('CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON @schema@.%I '
        'FOR EACH STATEMENT EXECUTE FUNCTION @schema@.audit_refuse_change()', name);
      EXECUTE format('ALTER TABLE @schema@.audit_logs ATTACH PARTITION @schema@.%I FOR VALUES FROM (%L) TO (%L)',
        name, first::text || '+00', (first + ('1 ' || unit)::interval)::text || '+00');
      RETURN true;
    END $body$;

    -- For writers: a partition for a row that has none. False if the time is outside the window in which writers may do that
    -- (a wrong clock must not fill the catalogue with tables); the owner may call audit_create_partition for any time.
    CREATE OR REPLACE FUNCTION @schema@.audit_ensure_partition(at timestamptz) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      month timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
      today timestamp := now() AT TIME ZONE 'UTC';
    BEGIN
      IF month < date_trunc('month', today - interval '400 days') OR month > date_trunc('month', today + interval '2 days') THEN
        RETURN @schema@.audit_partition_of(at) IS NOT NULL;
      END IF;
      PERFORM @schema@.audit_create_partition(at);
      RETURN true;
    END $body$;

    -- From the one before this one to three months or fourteen days ahead; the number of partitions made.
    CREATE OR REPLACE FUNCTION @schema@.audit_ensure_partitions() RETURNS integer
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      unit text := (SELECT value FROM @schema@.audit_settings WHERE name = 'partition');
      made integer := 0;
    BEGIN
      FOR step IN -1 .. CASE unit WHEN 'day' THEN 14 ELSE 3 END LOOP
        IF @schema@.audit_create_partition((date_trunc(unit, now() AT TIME ZONE 'UTC') + step * ('1 ' || unit)::interval) AT TIME ZONE 'UTC') THEN
          made := made + 1;
        END IF;
      END LOOP;
      RETURN made;
    END $body$;

    -- For the owner. Partitions that hold rows stay as they are; empty ones are made again in the new size.
    CREATE OR REPLACE FUNCTION @schema@.audit_partition_by(unit text) RETURNS void
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      partition regclass;
      holds_rows boolean;
    BEGIN
      IF unit NOT IN ('month', 'day') THEN
        RAISE EXCEPTION 'partitions are of a month or a day' USING ERRCODE = 'invalid_parameter_value';
      END IF;
      UPDATE @schema@.audit_settings SET value = unit WHERE name = 'partition' AND value <> unit;
      IF NOT FOUND THEN
        RETURN;
      END IF;
      LOCK TABLE @schema@.audit_logs IN ACCESS EXCLUSIVE MODE;
      FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = '@schema@.audit_logs'::regclass LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', partition) INTO holds_rows;
        IF NOT holds_rows THEN
          EXECUTE format('DROP TABLE %s', partition);
        END IF;
      END LOOP;
      PERFORM @schema@.audit_ensure_partitions();
    END $body$;

  $sql$, '@schema@', quote_ident(current_schema()));
END $install$;

REVOKE ALL ON FUNCTION audit_partition_of(timestamptz), audit_partition_by(text) FROM PUBLIC;
