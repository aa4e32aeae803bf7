/** What the trail says of pruning, holds, archives and restorations: each is two records, before and after. */

import type { ArchivedFile, HoldScope, KeepPeriods, Pruned, Restored } from '../../exporters/postgres/index.js';
import type { PrunedChanges } from '../changes/prune.js';
import type { JsonObject } from '../record.js';
import type { Deed } from './recorded.js';

export function pruning(keep: KeepPeriods, work: () => Promise<readonly Pruned[]>): Deed<readonly Pruned[]> {
  return {
    begun: 'audit.pruning',
    done: 'audit.pruned',
    metadata: { keep: { ...keep } },
    work,
    outcome: (partitions) => ({
      removed: partitions.reduce((sum, { removed }) => sum + removed, 0),
      partitions: partitions.map(({ checkpoint: _, ...counts }) => counts),
      // One is enough: each is the last one of its moment.
      checkpoint: partitions.findLast(({ checkpoint }) => checkpoint !== undefined)?.checkpoint ?? null,
    }),
  };
}

/** Of row changes in the service's own database. */
export function pruningChanges(keep: string, work: () => Promise<readonly PrunedChanges[]>): Deed<readonly PrunedChanges[]> {
  return {
    begun: 'audit.pruning',
    done: 'audit.pruned',
    metadata: { keep },
    work,
    outcome: (partitions) => ({
      removed: rowsRemoved(partitions),
      partitions: partitions.map(({ behind, ...counts }) => ({ ...said(counts), behind: [...behind] })),
    }),
  };
}

export function rowsRemoved(partitions: readonly PrunedChanges[]): number {
  return partitions.reduce((sum, { removed, rows }) => sum + (removed ? rows : 0), 0);
}

export function placing(hold: HoldScope & { readonly reason: string }, work: () => Promise<number>): Deed<number> {
  return { begun: 'audit.holding', done: 'audit.held', metadata: said(hold), work, outcome: (id) => ({ hold: id }) };
}

export function releasing(release: { readonly hold: number; readonly reason: string }, work: () => Promise<void>): Deed<void> {
  return { begun: 'audit.releasing', done: 'audit.released', metadata: said(release), work, outcome: () => ({}) };
}

/** With the hashes that vouch for the files, so that the trail does, wherever they go. */
export function archiving(
  what: { readonly directory: string; readonly before: string },
  work: () => Promise<readonly ArchivedFile[]>,
): Deed<readonly ArchivedFile[]> {
  return {
    begun: 'audit.archiving',
    done: 'audit.archived',
    metadata: said(what),
    work,
    outcome: (files) => ({
      files: files.map(({ manifest: { file, records, altered }, manifestSha256 }) => ({
        file,
        records,
        altered: altered.length,
        manifestSha256,
      })),
    }),
  };
}

export function restoring(what: { readonly directory: string }, work: () => Promise<readonly Restored[]>): Deed<readonly Restored[]> {
  return {
    begun: 'audit.restoring',
    done: 'audit.restored',
    metadata: said(what),
    work,
    outcome: (files) => ({ files: files.map(({ file, records, rejected }) => ({ file, records, rejected: { ...rejected } })) }),
  };
}

function said(what: object): JsonObject {
  return Object.fromEntries(Object.entries(what).filter(([, value]) => value !== undefined));
}
