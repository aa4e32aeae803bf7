import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readStatement } from '../../../src/changes/statement.js';

describe('a statement', () => {
  for (const [text, kind] of [
    ['INSERT INTO t VALUES (1)', 'rows'],
    ['  -- why\n/* and how */ update t set a = 1;', 'rows'],
    ['INSERT INTO t VALUES (\'a;b\', "c;d", $x$ ; $x$, $$;$$) -- ; no more', 'rows'],
    ['WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone', 'rows'],
    ['(SELECT 1) UNION (SELECT 2)', 'rows'],
    ["UPDATE t SET a = 'it''s; so'", 'rows'],
    ['INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)', 'other'],
    ["INSERT INTO t VALUES ('a'); DROP TABLE t; --'", 'other'],
    // With backslash escapes on, the string goes on behind the quote.
    ["INSERT INTO t VALUES ('\\'); SELECT ('')", 'other'],
    ['VACUUM t', 'other'],
    ['CREATE INDEX CONCURRENTLY i ON t (a)', 'other'],
    ['CALL work()', 'other'],
    ['', 'other'],
    ['BEGIN', 'control'],
    ['START TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'control'],
    ['LOCK TABLE t', 'control'],
    ['BEGIN; UPDATE t SET a = 1; COMMIT', 'other'],
  ] as const) {
    it(`is ${kind}: ${text}`, () => assert.equal(readStatement(text).kind, kind));
  }

  it('may take back what was set before it', () => {
    for (const text of [
      'ROLLBACK',
      'rollback to savepoint a',
      'COMMIT',
      'RESET ALL',
      "SELECT set_config('a.b', 'c', false)",
      'DISCARD ALL',
    ]) {
      assert.equal(readStatement(text).mayReset, true, text);
    }
    assert.equal(readStatement('UPDATE t SET a = 1').mayReset, false);
  });

  it('is read in time that grows with its length only', () => {
    for (const text of [
      `SELECT '${"''".repeat(200_000)}`,
      `SELECT 1; ${'/*'.repeat(200_000)}`,
      `SELECT 1; ${'$a'.repeat(100_000)}`,
      ' '.repeat(300_000),
    ]) {
      const started = performance.now();
      readStatement(text);
      assert.ok(performance.now() - started < 5000, text.slice(0, 20));
    }
  });
});
