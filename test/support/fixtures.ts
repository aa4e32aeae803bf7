/** Installs the packages of a fixture once, by its lock file, outside of the tree: other SDKs and other Nodes stay out of ours. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './service.js';

/** Kept between runs; `AUDIT_TEST_FIXTURES` puts it where a CI caches it. */
const CACHE = process.env['AUDIT_TEST_FIXTURES'] ?? path.join(tmpdir(), 'otel-audit-fixtures');
const INSTALL_TIMEOUT_MS = 300_000;

/** `compat/otel-3` → the directory that holds its `node_modules`. */
export async function installFixture(name: string): Promise<string> {
  const source = path.join(ROOT, 'test/fixtures', name);
  const lock = createHash('sha256').update(readFileSync(path.join(source, 'package-lock.json')));
  const target = path.join(CACHE, `${name.replace('/', '-')}-${lock.digest('hex').slice(0, 12)}`);
  if (existsSync(target)) return target;
  const making = `${target}.${process.pid}`;
  cpSync(source, making, { recursive: true });
  // Only the packages `node` need their script: it fetches the binary of this platform.
  const scripts = name.startsWith('runtimes/node-') ? [] : ['--ignore-scripts'];
  try {
    const options = { cwd: making, timeout: INSTALL_TIMEOUT_MS };
    await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...scripts], options);
    renameSync(making, target);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return target;
}

/** The path of a Node of that major version: this one if it fits. */
export async function nodeBinary(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return path.join(await installFixture(`runtimes/node-${major}`), 'node_modules/node/bin/node');
}
