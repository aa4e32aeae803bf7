import { test } from 'node:test';
import { checkJournal } from '../support/journal-model.js';

const RUNS = Number(process.env['AUDIT_TEST_RUNS'] ?? 20_000);
const SEED = process.env['AUDIT_TEST_SEED'];

test(`the journal keeps its word in ${RUNS} runs with faults at every call to the disk`, async () => {
  await checkJournal(RUNS, SEED === undefined ? undefined : Number(SEED));
});
