/** A record as one row for people and spreadsheets: the columns of `query`, its table and its CSV. */

import type { AuditRecord } from '../record.js';

export const CELLS: readonly { readonly name: string; readonly of: (record: AuditRecord) => string | number | undefined }[] = [
  { name: 'time', of: ({ time }) => time },
  { name: 'actor', of: ({ actor }) => actor.email ?? actor.id },
  { name: 'type', of: ({ actor }) => (actor.verified ? actor.type : `${actor.type}?`) },
  { name: 'tenant', of: ({ tenant }) => tenant?.slug ?? tenant?.id },
  { name: 'action', of: ({ action, phase }) => (phase === undefined ? action : `${action} (${phase})`) },
  { name: 'target', of: ({ target }) => [target?.type, target?.id].filter(Boolean).join('/') || undefined },
  { name: 'outcome', of: ({ outcome }) => outcome },
  { name: 'status', of: ({ response }) => response?.status },
  { name: 'ms', of: ({ durationMs }) => (durationMs === undefined ? undefined : Math.round(durationMs * 10) / 10) },
  { name: 'client', of: ({ client }) => client?.address },
  { name: 'id', of: ({ id }) => id },
];
