import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Deliverer } from '../../../src/delivery/deliverer.js';
import { type Acknowledgement, allDelivered, allRetry } from '../../../src/exporter.js';
import type { LineExporter } from '../../../src/line-exporter.js';
import type { RecordLine } from '../../../src/record-line.js';
import { openJournal } from '../../support/journals.js';
import { makeRecord } from '../../support/sized-records.js';
import { makeDirectory, until } from '../../support/waiting.js';

const COUNT = 40;

/** Delivers so many records in batches of five. */
async function deliver(
  t: TestContext,
  exportLines: (lines: readonly RecordLine[]) => Promise<readonly Acknowledgement[]>,
  prepare: LineExporter['prepare'] = () => undefined,
): Promise<void> {
  const { journal } = openJournal(t, { directory: makeDirectory() });
  for (let nth = 0; nth < COUNT; nth += 1) journal.append(makeRecord());
  journal.flushSync();
  const exporter: LineExporter = {
    name: 'lines',
    exportLines,
    prepare,
    export: () => assert.fail('has the lines'),
    shutdown: async () => undefined,
  };
  let seq = 0;
  const deliverer = new Deliverer({
    exporter: 'lines',
    create: async () => exporter,
    warn: () => undefined,
    onProgress: ({ cursor }) => {
      seq = cursor.seq;
    },
    onCreated: () => undefined,
    timing: { lingerMs: 1, pollMs: 1, count: 5, exportDeadlineMs: 30, graceMs: 5, random: () => 0 },
  });
  t.after(() => deliverer.stop());
  deliverer.addStream({ stream: journal.position.stream, directory: journal.directory, tip: journal.tip.buffer });
  deliverer.start();
  await until('all is delivered', () => seq === COUNT);
}

const textOf = ({ bytes, start, end }: RecordLine): string => bytes.toString('utf8', start, end);
const seqIn = (text: string): number => JSON.parse(text).integrity.seq;

test('gives an exporter that takes lines the bytes of the journal, once each', async (t) => {
  const seqs: number[] = [];
  const places = new Set<ArrayBufferLike>();
  await deliver(t, async (lines) => {
    for (const line of lines) {
      places.add(line.bytes.buffer);
      seqs.push(seqIn(textOf(line)));
      assert.deepEqual(line.record, JSON.parse(textOf(line)));
    }
    return allDelivered(lines.length);
  });
  assert.deepEqual(
    seqs,
    Array.from({ length: COUNT }, (_, nth) => nth + 1),
  );
  assert.ok(places.size < COUNT / 5, 'the memory of batches that are settled is used again');
});

test('leaves the lines as they are while they are offered again', async (t) => {
  const seqs: number[] = [];
  let refusals = 0;
  await deliver(t, async (lines) => {
    if (refusals++ % 2 === 0) return allRetry(lines.length, 'busy', 1);
    seqs.push(...lines.map((line) => seqIn(textOf(line))));
    return allDelivered(lines.length);
  });
  assert.equal(new Set(seqs).size, COUNT);
});

test('never changes what a call that did not return was given', async (t) => {
  let kept: { readonly lines: readonly RecordLine[]; readonly texts: readonly string[] } | undefined;
  await deliver(t, async (lines) => {
    if (kept !== undefined) return allDelivered(lines.length);
    kept = { lines, texts: lines.map(textOf) };
    return new Promise(() => undefined);
  });
  assert.ok(kept !== undefined && kept.texts.length > 0);
  assert.deepEqual(kept.lines.map(textOf), kept.texts);
});

test('tells of the next batch while a call is out, and offers just that', async (t) => {
  let isOut = false;
  let told: readonly RecordLine[] | undefined;
  let asTold = 0;
  await deliver(
    t,
    async (lines) => {
      isOut = true;
      if (told !== undefined) {
        assert.ok(lines.length === told.length && lines.every((line, nth) => line === told?.[nth]));
        asTold += 1;
      }
      told = undefined;
      const isLast = lines.some((line) => line.record.integrity.seq === COUNT);
      if (!isLast) await until('the next batch is told of', () => told !== undefined);
      isOut = false;
      return allDelivered(lines.length);
    },
    (lines) => {
      assert.ok(isOut);
      told = lines;
    },
  );
  assert.equal(asTold, COUNT / 5 - 1);
});

test('delivers also when getting ready fails', async (t) => {
  const seqs: number[] = [];
  await deliver(
    t,
    async (lines) => {
      seqs.push(...lines.map((line) => line.record.integrity.seq));
      return allDelivered(lines.length);
    },
    () => assert.fail('not ready'),
  );
  assert.equal(new Set(seqs).size, COUNT);
});
