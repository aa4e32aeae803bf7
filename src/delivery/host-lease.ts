/** One `otel-audit deliver` a directory: two would each deliver everything. Survives the reuse of process ids, as the streams' leases do. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HEARTBEAT_MS, readLease, refreshLease, releaseLease, takeLease } from '../journal/lease.js';
import { ownIdentity } from '../journal/process-identity.js';

export interface HostLease {
  /** Settles when nobody need wait for this process any more. */
  release(): Promise<void>;
}

/** Undefined while another process delivers for the directory. */
export async function takeHostLease(journalDirectory: string): Promise<HostLease | undefined> {
  const directory = leaseDirectory(journalDirectory);
  const identity = ownIdentity();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const lease = await readLease(directory, identity, Date.now());
  if (lease !== undefined && !lease.dead) return undefined;
  const generation = (lease?.generation ?? 0) + 1;
  if (!(await takeLease(directory, generation, identity))) return undefined;
  if (lease !== undefined) await releaseLease(directory, lease.generation);
  const timer = setInterval(() => void refreshLease(directory, generation, Date.now()).catch(() => undefined), HEARTBEAT_MS).unref();
  return {
    async release() {
      clearInterval(timer);
      await releaseLease(directory, generation);
    },
  };
}

/** Whether some process delivers for the directory. */
export async function isServed(journalDirectory: string): Promise<boolean> {
  const lease = await readLease(leaseDirectory(journalDirectory), ownIdentity(), Date.now()).catch(() => undefined);
  return lease !== undefined && !lease.dead;
}

function leaseDirectory(journalDirectory: string): string {
  return join(journalDirectory, '.deliverer');
}
