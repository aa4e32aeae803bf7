import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { makeDirectory } from '../../../src/journal/make-directory.js';
import { ROOT } from '../../support/service.js';

describe('making a directory', () => {
  const base = mkdtempSync(path.join(tmpdir(), 'otel-audit-made-'));
  after(() => rmSync(base, { recursive: true, force: true }));

  it('makes those above it, private, and is content with one that is there', () => {
    const wanted = path.join(base, 'a', 'b', 'c');
    makeDirectory(wanted);
    makeDirectory(wanted);
    for (const made of [wanted, path.dirname(wanted)]) assert.equal(statSync(made).mode & 0o777, 0o700);
  });

  it('fails where a file lies', () => {
    writeFileSync(path.join(base, 'file'), '');
    assert.throws(() => makeDirectory(path.join(base, 'file')), { code: 'EEXIST' });
    assert.throws(() => makeDirectory(path.join(base, 'file', 'x')), { code: 'ENOTDIR' });
  });

  it('fails, and does not hang, where nothing can be made', () => {
    const module = path.join(ROOT, 'dist/src/journal/make-directory.js');
    const script = `require(${JSON.stringify(module)}).makeDirectory('/proc/otel-audit/x')`;
    // In a process of its own, as one that hangs cannot be told to stop.
    const { status, stderr } = spawnSync(process.execPath, ['-e', script], { timeout: 20_000, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /ENOENT/);
  });
});
