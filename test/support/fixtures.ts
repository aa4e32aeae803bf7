/** Installs the packages of a fixture on demand, by its lock file, once per content and outside of the tree: other versions stay out of ours. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './service.js';

const FIXTURES = path.join(ROOT, 'test/fixtures');
/** Kept between runs; `AUDIT_TEST_FIXTURES` puts it where a CI caches it. */
const CACHE = process.env['AUDIT_TEST_FIXTURES'] ?? path.join(tmpdir(), 'otel-audit-fixtures');
const INSTALL = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
// SQLite's drivers are compiled where their binaries cannot be fetched: a minute of one core.
const TIMEOUT_MS = 600_000;
/** With this Node's own headers, where it came with them. */
const PREFIX = path.join(process.execPath, '../..');
const NATIVE = existsSync(path.join(PREFIX, 'include/node/node.h')) ? { npm_config_nodedir: PREFIX } : {};

/** A file of a fixture that needs no packages of its own: `fixtureSource('frameworks/http', 'server.js')`. */
export function fixtureSource(name: string, file: string): string {
  return readFileSync(path.join(FIXTURES, name, file), 'utf8');
}

/** `compat/otel-3` → the directory with that fixture's files, its `node_modules`, and what its `build` script made. */
export async function installFixture(name: string): Promise<string> {
  const source = path.join(FIXTURES, name);
  const flatName = name.replace('/', '-');
  const place = path.join(CACHE, `${flatName}-${contentHash(source)}`);
  if (existsSync(place)) return place;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(path.join(CACHE, `.${flatName}-`));
  try {
    cpSync(source, draft, { recursive: true });
    // Only the packages `node` need their script: it fetches the binary of this platform.
    await npm(draft, name.startsWith('runtimes/node-') ? INSTALL : [...INSTALL, '--ignore-scripts']);
    await npm(draft, ['run', '--silent', '--if-present', 'build']);
    publish(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return place;
}

/** The path of a Node of that major version: this one if it fits. */
export async function nodeBinary(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return path.join(await installFixture(`runtimes/node-${major}`), 'node_modules/node/bin/node');
}

async function npm(directory: string, words: readonly string[]): Promise<void> {
  // A preload or test runner around us is not for the installation.
  const env = { ...process.env, ...NATIVE, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', NODE_ENV: '', NEXT_TELEMETRY_DISABLED: '1' };
  await promisify(execFile)('npm', words, { cwd: directory, timeout: TIMEOUT_MS, env, maxBuffer: Number.POSITIVE_INFINITY });
}

/** Another run may have been faster: then its folder serves as well. */
function publish(draft: string, place: string): void {
  try {
    renameSync(draft, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  }
}

function contentHash(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(directory, name);
    if (statSync(file).isFile()) hash.update(`${name}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}
