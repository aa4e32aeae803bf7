/** Installs a framework's fixture on demand: exact versions from its own lock file, once per content, outside this repository. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './service.js';

const FIXTURES = path.join(ROOT, 'test/fixtures/frameworks');
/** `AUDIT_TEST_FIXTURES` keeps installed fixtures elsewhere, for example in a cache of the build machine. */
const CACHE = process.env['AUDIT_TEST_FIXTURES'] ?? path.join(tmpdir(), 'otel-audit-fixtures');
const INSTALL = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

export function fixtureSource(name: string, file: string): string {
  return readFileSync(path.join(FIXTURES, name, file), 'utf8');
}

/** Answers the folder with the fixture, its packages, and what its `build` script made. */
export function installFixture(name: string): string {
  const source = path.join(FIXTURES, name);
  const place = path.join(CACHE, `${name}-${process.versions.modules}-${contentHash(source)}`);
  if (existsSync(place)) return place;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(path.join(CACHE, `.${name}-`));
  try {
    cpSync(source, draft, { recursive: true });
    run(draft, INSTALL);
    const { scripts } = JSON.parse(readFileSync(path.join(draft, 'package.json'), 'utf8')) as { scripts?: { build?: string } };
    if (scripts?.build !== undefined) run(draft, ['run', '--silent', 'build']);
    publish(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return place;
}

/** Another run may have been faster: then its folder serves as well. */
function publish(draft: string, place: string): void {
  try {
    renameSync(draft, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  }
}

function run(directory: string, words: readonly string[]): void {
  execFileSync('npm', words, {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 240_000,
    // A preload or test runner around us is not for the installation.
    env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', NODE_ENV: '', NEXT_TELEMETRY_DISABLED: '1' },
  });
}

function contentHash(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(directory, name);
    if (statSync(file).isFile()) hash.update(`${name}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}
