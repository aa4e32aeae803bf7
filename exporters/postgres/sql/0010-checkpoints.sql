-- audit_checkpoints: every signed checkpoint once more, beside the records and not in their partitions, so that a partition
-- or a stream that is gone is still spoken of. Filled by the database itself: the writer needs no right on it.

CREATE TABLE IF NOT EXISTS audit_checkpoints (
  -- of the record that carries it
  id          uuid        PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  stream      text        NOT NULL,
  epoch       integer     NOT NULL,
  -- of the record
  seq         bigint      NOT NULL,
  -- checkpoint, signature, keyId, publicKey
  content     jsonb
);
CREATE INDEX IF NOT EXISTS audit_checkpoints_stream_idx ON audit_checkpoints (stream, epoch, seq);

DO $install$
BEGIN
  EXECUTE replace($sql$

    CREATE OR REPLACE FUNCTION @schema@.audit_keep_checkpoint() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    BEGIN
      INSERT INTO @schema@.audit_checkpoints (id, occurred_at, stream, epoch, seq, content)
        VALUES (NEW.id, NEW.occurred_at, NEW.stream, NEW.epoch, NEW.seq, NEW.metadata) ON CONFLICT DO NOTHING;
      RETURN NULL;
    END $body$;

  $sql$, '@schema@', quote_ident(current_schema()));
END $install$;

REVOKE ALL ON FUNCTION audit_keep_checkpoint() FROM PUBLIC;

DROP TRIGGER IF EXISTS audit_keep_checkpoint ON audit_logs;
CREATE TRIGGER audit_keep_checkpoint AFTER INSERT ON audit_logs
  FOR EACH ROW WHEN (NEW.action = 'audit.checkpoint' AND NEW.kind = 'lifecycle') EXECUTE FUNCTION audit_keep_checkpoint();

DROP TRIGGER IF EXISTS audit_append_only ON audit_checkpoints;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_checkpoints
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
DROP TRIGGER IF EXISTS audit_append_only_truncate ON audit_checkpoints;
CREATE TRIGGER audit_append_only_truncate BEFORE TRUNCATE ON audit_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
