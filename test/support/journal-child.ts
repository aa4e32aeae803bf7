/** A process that appends records as fast as it can and says how many it had appended in the ticks before. Ends as told: by a signal, or at a count. */

import { writeSync } from 'node:fs';
import { createJournal } from '../../src/journal/journal.js';
import { MANIFEST } from './journals.js';
import { makeRecord } from './sized-records.js';

const [, , directory = '', exitAt = 'never'] = process.argv;
// A clock that stands still: on a busy machine a write may take over 20 ms, after which the journal writes asynchronously and promises less.
const clock = { nowMs: () => Date.now(), monotonicMs: () => 0 };
const journal = createJournal({ directory, manifest: MANIFEST, maxBytes: 1e9, segmentBytes: 200_000, clock });
process.on('exit', () => journal.closeSync());

function turn(): void {
  // Appended before this turn began: their tick is over.
  writeSync(1, `${journal.position.seq}\n`);
  for (let nth = 0; nth < 5; nth += 1) journal.append(makeRecord());
  if (journal.position.seq >= Number(exitAt)) process.exit(0);
  // Behind the journal's own: a timer may run before the first tick has come to its writes.
  setImmediate(turn);
}

turn();
