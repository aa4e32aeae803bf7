import { test } from 'node:test';
import { checkJournal } from '../../support/journal-model.js';

test('whatever each call to the disk does: what was accepted is in the file once, in order and chained, and the rest is counted', async () => {
  await checkJournal(120, 1);
});
