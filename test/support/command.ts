/** Runs the command line as a user does, in a process of its own. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ROOT } from './service.js';

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `env`: instead of every `AUDIT_` variable there is. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = ROOT): CommandResult {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AUDIT_')));
  return spawnSync(process.execPath, [path.join(ROOT, 'dist/src/cli/main.js'), ...args], {
    cwd,
    env: { ...inherited, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}
