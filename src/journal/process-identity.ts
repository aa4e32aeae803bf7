/** Which process this is, so that another can tell later whether it still lives, also when its pid is used again. */

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot at which the process started; absent where there is no /proc. */
  readonly startTime?: string | undefined;
  /** Host name, boot and pid namespace: only within all three does a pid mean anything. Containers of a pod share the name alone. */
  readonly host: string;
}

export function ownIdentity(): ProcessIdentity {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim();
  const namespace = readLink('/proc/self/ns/pid');
  return {
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    host: [hostname(), boot, namespace].filter((part) => part !== undefined).join('/'),
  };
}

/** Whether the process runs; undefined if it cannot be told: it is of another host or container, or could not find out when it started. */
export function isAlive(identity: ProcessIdentity, own: ProcessIdentity): boolean | undefined {
  if (identity.host !== own.host) return undefined;
  if (!pidExists(identity.pid)) return false;
  const startTime = startTimeOf(identity.pid);
  if (startTime === undefined) return true;
  return identity.startTime === undefined ? undefined : startTime === identity.startTime;
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startTimeOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name in parentheses may hold spaces and parentheses; the start time is field 22, the 20th behind it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
