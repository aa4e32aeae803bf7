/** Runs a service as its owner would: files in a folder of its own, dependencies in node_modules, the preload on the command line. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JournalledRecord } from '../../src/record.js';

export const ROOT = path.join(__dirname, '../../..');
const GUARD = path.join(ROOT, 'dist/test/support/network-guard.js');

export interface ServiceFolder {
  readonly directory: string;
  start(options: ServiceOptions): Promise<Service>;
  /** All records in the files below `directory`, in order of stream and sequence, without those of the audit's own life. */
  records(directory?: string): readonly JournalledRecord[];
  /** Only those. */
  lifecycle(directory?: string): readonly JournalledRecord[];
  remove(): void;
}

export interface ServiceOptions {
  readonly entry: string;
  /** `['--require', 'otel-audit/register']`, by default. */
  readonly preload?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** False leaves the network guard out, which costs time and memory. */
  readonly isGuarded?: boolean;
  /** Path of the Node to run it with. Default: this one. */
  readonly node?: string;
}

export interface Service {
  /** What the service announced: `listening on http://…`. */
  readonly url: string;
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends the signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/**
 * `dependencies` are linked from this repository's own node_modules; `otel-audit` is this repository. A folder made
 * `within` an installed fixture finds the fixture's packages.
 */
export function createServiceFolder(
  files: Readonly<Record<string, string>>,
  dependencies: readonly string[] = [],
  within: string = tmpdir(),
): ServiceFolder {
  const directory = mkdtempSync(path.join(within, 'otel-audit-service-'));
  for (const [name, content] of Object.entries({ 'package.json': '{"name":"tested-service","version":"1.0.0"}', ...files })) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
  link(directory, 'otel-audit', ROOT);
  for (const name of dependencies) link(directory, name, path.join(ROOT, 'node_modules', name));
  return {
    directory,
    start: (options) => startService(directory, options),
    records: (folder = 'audit-log') => readRecords(path.resolve(directory, folder)).filter(({ kind }) => kind !== 'lifecycle'),
    lifecycle: (folder = 'audit-log') => readRecords(path.resolve(directory, folder)).filter(({ kind }) => kind === 'lifecycle'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A folder of `samples/`, as somebody who copied it and ran `npm install` has it; `changes` replaces files. */
export function createSampleFolder(name: string, changes: Readonly<Record<string, string>> = {}): ServiceFolder {
  const sample = path.join(ROOT, 'samples', name);
  const sources = readdirSync(sample).filter((file) => /\.(?:js|json|ya?ml)$/.test(file));
  const files = Object.fromEntries(sources.map((file) => [file, readFileSync(path.join(sample, file), 'utf8')]));
  const manifest = JSON.parse(files['package.json'] ?? '{}') as { readonly dependencies?: Readonly<Record<string, string>> };
  const dependencies = Object.keys(manifest.dependencies ?? {}).filter((dependency) => dependency !== 'otel-audit');
  return createServiceFolder({ ...files, ...changes }, dependencies);
}

/** A line that is being written this moment is none yet. */
export function readRecords(directory: string): readonly JournalledRecord[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  const lines = files.sort().flatMap((name) => readFileSync(path.join(directory, name), 'utf8').split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as JournalledRecord);
}

function link(directory: string, name: string, target: string): void {
  const place = path.join(directory, 'node_modules', name);
  mkdirSync(path.dirname(place), { recursive: true });
  symlinkSync(target, place, 'dir');
}

async function startService(directory: string, options: ServiceOptions): Promise<Service> {
  const preload = options.preload ?? ['--require', 'otel-audit/register'];
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.isGuarded === false ? [] : ['--require', GUARD]), ...preload, options.entry],
    {
      cwd: directory,
      env: { ...withoutAudit(process.env), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const url = await Promise.race([announcedUrl(child), exited.then(() => undefined)]);
  if (url === undefined) throw new Error(`the service ended before it listened (${child.exitCode}): ${stderr}`);
  return {
    url,
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      const [code, by] = await exited;
      return { code, signal: by };
    },
  };
}

/** What a service said beyond that the disk was slow, which on a busy machine it is. */
export function complaintsOf(service: Service): string {
  return service.stderr().replace(/^.*OtelAuditWarning: otel-audit: a journal write took .*\n(?:\(Use .*--trace-warnings.*\n)?/gm, '');
}

async function announcedUrl(child: ChildProcess): Promise<string | undefined> {
  let text = '';
  return await new Promise((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const url = /http:\/\/\S+/.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    });
  });
}

/** The tests' own environment must not configure the service. */
function withoutAudit(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(?:AUDIT_(?!TEST_)|AUDIT_TEST_(?:POSTGRES|FIXTURES)|NODE_TEST|NODE_OPTIONS|NODE_V8|OTEL_|APPLICATION)/.test(name),
    ),
  );
}

/** On a disk that is slow the journal writes asynchronously, and a kill takes what is on its way as well. */
export function saidSlowDisk(service: Service): boolean {
  return service.stderr().includes('a journal write took');
}
