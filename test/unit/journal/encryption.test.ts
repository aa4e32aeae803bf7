/** A journal that is encrypted at rest: nothing readable on the disk, nothing lost for want of a key. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDeadLetters, writeDeadLetters } from '../../../src/delivery/dead-letter.js';
import { startDelivery } from '../../../src/delivery/delivery.js';
import { followsLink, verifyLine } from '../../../src/journal/chain.js';
import { useJournalKeys } from '../../../src/journal/keyring.js';
import type { AuditIntegrity } from '../../../src/record.js';
import { makeConfig } from '../../support/config.js';
import { createHeldKeys } from '../../support/held-keys.js';
import { MANIFEST, openJournal, readLines } from '../../support/journals.js';
import { scriptExporter } from '../../support/scripted-exporter.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

test('holds no word of a record in the clear, and gives back the chain', (t) => {
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory, key: useJournalKeys([randomBytes(32).toString('hex')]), segmentBytes: 3000 });
  for (let nth = 0; nth < 20; nth += 1) {
    journal.append(makeRecord({ action: `very.telling.${nth}` }));
    journal.flushSync();
  }
  const files = readdirSync(journal.directory).map((name) => readFileSync(join(journal.directory, name), 'latin1'));
  assert.ok(files.length > 3);
  for (const text of files) assert.doesNotMatch(text, /telling|prevHash/);
  let previous: AuditIntegrity | undefined;
  const lines = readLines(journal.directory);
  for (const line of lines) {
    const verified = verifyLine(line);
    assert.ok('record' in verified);
    assert.ok(followsLink(verified.record, previous));
    previous = verified.record.integrity;
  }
  assert.equal(new Set(lines.map((line) => /"data":"(.{16})/.exec(line)?.[1])).size, 20, 'each line has a nonce of its own');
});

test('a line that was altered, cut or moved to another stream does not open', (t) => {
  const directory = makeDirectory();
  const { journal } = openJournal(t, { directory, key: useJournalKeys([randomBytes(32).toString('base64')]) });
  journal.append(makeRecord());
  journal.flushSync();
  const [line = ''] = readLines(journal.directory);
  const middle = line.length / 2;
  const altered = line.slice(0, middle) + (line[middle] === 'A' ? 'B' : 'A') + line.slice(middle + 1);
  const moved = line.replace(/"stream":"........-/, '"stream":"01890000-');
  for (const text of [altered, line.replace(/.{40}"}$/, '"}'), moved])
    assert.deepEqual('fault' in verifyLine(text) && verifyLine(text), { fault: 'not-openable', keyId: /"kid":"(\w+)"/.exec(line)?.[1] });
});

test('the records of a stream wait for its key, with a warning, and come once it is listed', async (t) => {
  const directory = makeDirectory();
  const lost = createHeldKeys();
  const { journal: dead } = openJournal(t, { directory, key: lost.key });
  for (let nth = 0; nth < 30; nth += 1) dead.append(makeRecord());
  await dead.close();
  const exporter = scriptExporter();
  const warnings: string[] = [];
  const { journal } = openJournal(t, { directory, key: useJournalKeys([randomBytes(32).toString('hex')]) });
  const config = makeConfig();
  const options = { config, journal, manifest: MANIFEST, exporters: [exporter], env: {}, adoptIntervalMs: 20 };
  const delivery = startDelivery({ ...options, onWarning: (warning) => warnings.push(warning) });
  t.after(() => delivery.shutdown(1000));
  await until('it is said', () => warnings.some((warning) => warning.includes(lost.id)));
  assert.ok(existsSync(dead.directory));
  useJournalKeys([lost.text]);
  await until('its records have come', () => !existsSync(dead.directory));
  assert.equal(delivery.counters()[exporter.name]?.delivered, 30);
});

test('damage in an encrypted stream is set aside as any other', async (t) => {
  const directory = makeDirectory();
  const { journal: dead } = openJournal(t, { directory, key: useJournalKeys([randomBytes(32).toString('hex')]) });
  for (let nth = 0; nth < 3; nth += 1) dead.append(makeRecord());
  await dead.close();
  const segment = join(dead.directory, '00000001.jsonl');
  const lines = readFileSync(segment, 'utf8').split('\n');
  lines[1] = (lines[1] ?? '').replace(/"data":"..../, '"data":"AAAB');
  writeFileSync(segment, lines.join('\n'));
  const exporter = scriptExporter();
  const { journal } = openJournal(t, { directory });
  const delivery = startDelivery({ config: makeConfig(), journal, manifest: MANIFEST, exporters: [exporter], env: {} });
  t.after(() => delivery.shutdown(1000));
  await until('it is through', () => (delivery.counters()[exporter.name]?.delivered ?? 0) === 2);
  await until('the damaged line is kept', () => readdirSync(dead.directory).some((name) => name.startsWith('quarantine.')));
});

test('dead letters beside an encrypted journal are encrypted too, and are not passed over without the key', async (t) => {
  const directory = makeDirectory();
  useJournalKeys([randomBytes(32).toString('hex')]);
  const { journal } = openJournal(t, { directory });
  const letter = (action: string) => ({
    time: new Date().toISOString(),
    exporter: 'postgres',
    reason: 'refused',
    record: { ...makeRecord({ action }), integrity: { stream: 's', epoch: 1, seq: 1, prevHash: '', hash: '' } },
  });
  await writeDeadLetters(journal.directory, 'postgres', [letter('very.telling'), letter('most.telling')]);
  const [file = ''] = readdirSync(journal.directory).filter((name) => name.startsWith('dead-letter.'));
  const path = join(journal.directory, file);
  const text = readFileSync(path, 'utf8');
  assert.doesNotMatch(text, /telling|refused/);
  assert.deepEqual((await readDeadLetters(path)).open.map(({ record }) => record.action).sort(), ['most.telling', 'very.telling']);
  writeFileSync(path, text.replaceAll(/"kid":"[0-9a-f]+"/g, '"kid":"0123456789abcdef"'));
  await assert.rejects(readDeadLetters(path), /encrypted with the key 0123456789abcdef; it must be in AUDIT_JOURNAL_KEY/);
});
