/** Runs `otel-audit` as its user does: a process of its own, by the package's own entry. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { ROOT } from './service.js';

const MAIN = path.join(ROOT, 'dist/src/cli/main.js');

export interface CliRun {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits for the end. */
  ended(): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): CliRun {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:AUDIT_(?!TEST_)|NODE_TEST|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const closed = once(child, 'close') as Promise<[number | null]>;
  const ended = async () => ({ code: (await closed)[0], ...said });
  return {
    process: child,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    ended,
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      return (await ended()).code;
    },
  };
}

export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string) {
  return startCli(args, env, cwd).ended();
}
