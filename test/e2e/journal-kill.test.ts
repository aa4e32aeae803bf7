import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startDelivery } from '../../src/delivery/delivery.js';
import type { UncleanStream } from '../../src/delivery/delivery-contract.js';
import { readStop } from '../../src/journal/manifest.js';
import { makeConfig } from '../support/config.js';
import { MANIFEST, openJournal, readRecords } from '../support/journals.js';
import { scriptExporter } from '../support/scripted-exporter.js';
import { makeDirectory, until } from '../support/waiting.js';

const CHILD = join(__dirname, '..', 'support', 'journal-child.js');

/** Runs the child until `stop` says so or it ends; answers the last count it reported. */
async function run(directory: string, exitAt: string, killAfter: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, directory, exitAt], { stdio: ['ignore', 'pipe', 'inherit'] });
  let reported = 0;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    reported = Number(lines.at(-1) ?? reported);
    if (reported >= killAfter) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return reported;
}

test('kill -9 loses at most the current tick, and the next process delivers the rest exactly once', async (t) => {
  const directory = makeDirectory();
  const reported: number[] = [];
  for (const killAfter of [1, 137, 1009, 2503]) reported.push(await run(directory, 'never', killAfter));
  await checkAdopted(t, directory, reported);
});

test('sixteen processes on one directory are killed, and one delivers for all of them', async (t) => {
  const directory = makeDirectory();
  const reported = await Promise.all(Array.from({ length: 16 }, (_, nth) => run(directory, 'never', 20 + 10 * nth)));
  await checkAdopted(t, directory, reported);
});

/** Every stream in `directory` is delivered once and whole, at least as far as its process had reported. */
async function checkAdopted(t: TestContext, directory: string, reported: readonly number[]): Promise<void> {
  const streams = readdirSync(directory);
  assert.equal(streams.length, reported.length);
  const exporter = scriptExporter();
  const delivered = new Map<string, number[]>();
  const collecting = {
    ...exporter,
    async export(...[records, signal]: Parameters<typeof exporter.export>) {
      for (const { integrity } of records) delivered.set(integrity.stream, [...(delivered.get(integrity.stream) ?? []), integrity.seq]);
      return exporter.export(records, signal);
    },
  };
  const unclean: UncleanStream[] = [];
  const { journal } = openJournal(t, { directory });
  const options = { config: makeConfig(), journal, manifest: MANIFEST, exporters: [collecting], env: {} };
  const delivery = startDelivery({ ...options, onUncleanStream: (stream) => unclean.push(stream) });
  await until('every old stream is gone', () => streams.every((stream) => !existsSync(join(directory, stream))), 20_000);
  await delivery.shutdown(2000);
  const counts = streams.sort().map((stream) => {
    const seqs = delivered.get(stream) ?? [];
    assert.deepEqual(
      seqs,
      Array.from({ length: seqs.length }, (_, nth) => nth + 1),
    );
    return seqs.length;
  });
  // Which is whose is not known of those that ran at the same time: the least delivered are compared with the least reported.
  const least = counts.toSorted((a, b) => a - b);
  for (const [nth, atLeast] of reported.toSorted((a, b) => a - b).entries())
    assert.ok((least[nth] ?? 0) >= atLeast, `${least[nth]} delivered, ${atLeast} reported`);
  assert.deepEqual(
    unclean.map(({ lastSeq }) => lastSeq).sort((a, b) => a - b),
    least,
  );
}

test('process.exit loses nothing and is a clean end when the journal is closed on exit', async () => {
  const directory = makeDirectory();
  await run(directory, '500', Number.POSITIVE_INFINITY);
  const [stream = ''] = readdirSync(directory);
  assert.equal(readRecords(join(directory, stream)).length, 500);
  assert.deepEqual(await readStop(join(directory, stream)), { clean: true, lastSeq: 500, complete: false });
});
