/** samples/otlp/collector.yaml: whole, and without the parts by which a collector loses records. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { ROOT } from '../support/service.js';

interface Exporter {
  readonly sending_queue?: { readonly enabled?: boolean; readonly storage?: string; readonly block_on_overflow?: boolean };
  readonly retry_on_failure?: { readonly enabled?: boolean; readonly max_elapsed_time?: number };
}

interface Collector {
  readonly extensions: Readonly<Record<string, { readonly fsync?: boolean }>>;
  readonly receivers: Readonly<Record<string, { readonly protocols?: { readonly http?: { readonly endpoint?: string } } }>>;
  readonly processors?: unknown;
  readonly exporters: Readonly<Record<string, Exporter>>;
  readonly service: {
    readonly extensions: readonly string[];
    readonly pipelines: Readonly<
      Record<
        string,
        { readonly receivers: readonly string[]; readonly processors?: readonly string[]; readonly exporters: readonly string[] }
      >
    >;
  };
}

const collector = parse(readFileSync(path.join(ROOT, 'samples/otlp/collector.yaml'), 'utf8')) as Collector;

test('every part that a pipeline names is there, and every part is used', () => {
  const pipelines = Object.values(collector.service.pipelines);
  assert.deepEqual([...new Set(pipelines.flatMap(({ receivers }) => receivers))].sort(), Object.keys(collector.receivers).sort());
  assert.deepEqual([...new Set(pipelines.flatMap(({ exporters }) => exporters))].sort(), Object.keys(collector.exporters).sort());
  assert.deepEqual(collector.service.extensions, Object.keys(collector.extensions));
  assert.ok(Object.keys(collector.service.pipelines).every((name) => name.startsWith('logs')));
});

test('records go to Kafka and to object storage, both', () => {
  for (const { exporters } of Object.values(collector.service.pipelines)) assert.deepEqual(exporters, ['kafka', 'awss3']);
});

test('it listens where the exporter posts to', () => {
  assert.match(collector.receivers['otlp']?.protocols?.http?.endpoint ?? '', /:4318$/);
});

test('no processor may batch in memory, filter or sample', () => {
  assert.equal(collector.processors, undefined);
  for (const { processors } of Object.values(collector.service.pipelines)) assert.equal(processors, undefined);
});

test('what was accepted lies on disk, is tried for ever, and a full queue pushes back', () => {
  for (const [name, { sending_queue: queue, retry_on_failure: retry }] of Object.entries(collector.exporters)) {
    assert.equal(collector.extensions[queue?.storage ?? '']?.fsync, true, `${name} has a queue on disk`);
    assert.deepEqual([queue?.enabled, queue?.block_on_overflow], [true, true], name);
    assert.deepEqual([retry?.enabled, retry?.max_elapsed_time], [true, 0], name);
  }
});
