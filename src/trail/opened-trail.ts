/** Searches encrypted records by what they say: only somebody with the keys can, so it is done here and not in the store. */

import type { AuditRecord, JournalledRecord } from '../record.js';
import { compileFilter, type RecordFilter } from './filter.js';
import { newestOf } from './newest.js';
import type { Trail } from './trail.js';

/** The trail with `search` and `follow` by bodies and e-mails as well. What they answer is as it is stored. */
export function withOpening(trail: Trail, open: (record: JournalledRecord) => JournalledRecord): Trail {
  return {
    ...trail,
    search(filter, options) {
      const { stored, personal } = splitFilter(filter);
      if (personal === undefined) return trail.search(filter, options);
      return newestOf(
        passing(trail.search(stored, {}), (record) => personal(open(record))),
        options.limit,
      );
    },
    follow(filter, signal) {
      const { stored, personal } = splitFilter(filter);
      const coming = trail.follow(stored, signal);
      return personal === undefined ? coming : passing(coming, (record) => personal(open(record)));
    },
  };
}

function splitFilter(filter: RecordFilter): { readonly stored: RecordFilter; readonly personal?: (record: AuditRecord) => boolean } {
  const actor = filter.actor?.includes('@') === true ? filter.actor : undefined;
  if (actor === undefined && filter.text === undefined) return { stored: filter };
  const stored = { ...filter, text: undefined, actor: actor === undefined ? filter.actor : undefined };
  return { stored, personal: compileFilter({ actor, text: filter.text }) };
}

async function* passing(
  records: AsyncIterable<JournalledRecord>,
  passes: (record: JournalledRecord) => boolean,
): AsyncGenerator<JournalledRecord> {
  for await (const record of records) if (passes(record)) yield record;
}
