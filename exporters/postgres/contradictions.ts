/** Finds records that are stored otherwise than they were offered: one of the two is not what the service recorded. */

import type { ClientBase } from 'pg';
import type { Acknowledgement } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';
import { lacksFunction, refusesRole } from './errors.js';

export interface Contradictions {
  /** Places in `records`, from 0. None where the role may not ask, or where the tables cannot tell yet. */
  find(records: readonly JournalledRecord[]): Promise<ReadonlySet<number>>;
}

/** To the dead letters, where a person sees it: the record that is stored may be forged, or this one. */
export const DIFFERS: Acknowledgement = {
  status: 'rejected',
  reason: 'another record is stored under this id: one of the two was altered or made up; compare them and run a verification',
};

/** For one connection. */
export function createContradictions(client: ClientBase): Contradictions {
  let mayAsk = true;
  return {
    async find(records) {
      if (!mayAsk) return new Set();
      try {
        const { rows } = await client.query<{ readonly place: number }>('SELECT audit_differing($1, $2, $3) AS place', [
          records.map(({ id }) => id),
          records.map(({ time }) => new Date(time).toISOString()),
          records.map(({ integrity }) => integrity.hash),
        ]);
        return new Set(rows.map(({ place }) => place - 1));
      } catch (error) {
        if (!refusesRole(error) && !lacksFunction(error)) throw error;
        mayAsk = false;
        return new Set();
      }
    },
  };
}
