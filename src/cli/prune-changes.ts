/** `otel-audit prune-changes`: which months of row changes in the service's own database may go, and their removal. */

import type { ClientBase } from 'pg';
import type { Hold } from '../../exporters/postgres/index.js';
import { type PrunedChanges, pruneChanges } from '../changes/prune.js';
import { type Place, recorded } from './recorded.js';
import { pruningChanges, rowsRemoved } from './retention-deeds.js';

export interface PruneChangesCommand {
  readonly client: ClientBase;
  /** As PostgreSQL reads intervals. */
  readonly keep: string;
  readonly apply: boolean;
  /** Of the trail, where there is one in Postgres. */
  readonly holds: readonly Hold[];
  /** Where the rows are, for the records of their removal. */
  readonly place: Place;
  readonly write: (text: string) => void;
}

/** True unless something that is past its period stays against what was asked for. */
export async function runPruneChanges({ client, keep, apply, holds, place, write }: PruneChangesCommand): Promise<boolean> {
  const inForce = holds.filter(({ released }) => released === undefined);
  const prune = (): Promise<readonly PrunedChanges[]> => pruneChanges(client, { keep, apply, holds: inForce });
  const partitions = apply ? await recorded(place, pruningChanges(keep, prune)) : await prune();
  for (const partition of partitions) write(lineOf(partition, apply));
  const rows = rowsRemoved(partitions);
  if (partitions.length === 0) write('nothing is past its period\n');
  else write(apply ? `${rows} changes removed, as audit.removals says\n` : `${rows} changes; nothing was changed, --apply removes them\n`);
  return partitions.every(({ busy = false }) => !busy);
}

function lineOf({ partition, rows, behind, held, removed, busy = false }: PrunedChanges, apply: boolean): string {
  if (removed) return `${partition}: ${apply ? 'removed' : 'would remove'} ${rows} changes\n`;
  const reasons = [
    busy && 'it is in use; try at a quieter time',
    held > 0 && `${held} are under legal hold`,
    behind.length > 0 && `not relayed yet to ${behind.join(' nor ')}; of a destination that is gone, delete the row of audit.relays`,
  ];
  return `${partition}: ${rows} changes stay: ${reasons.filter(Boolean).join('; ')}\n`;
}
