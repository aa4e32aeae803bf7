/** The console exporter: the contract, and a standard output that is slow, closed or gone. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createConsoleExporter, writeTo } from '../../exporters/console/index.js';
import { canonicalize } from '../../src/canonical.js';
import type { JournalledRecord } from '../../src/record.js';
import { exporterContract } from '../../src/testing/exporter-contract.js';
import { exampleRecords } from '../../src/testing/records.js';

exporterContract('console', {
  create: async () => {
    let printed = '';
    const write = async (lines: string): Promise<void> => {
      printed += lines;
    };
    return { exporter: createConsoleExporter({ write }), read: async () => linesOf(printed) };
  },
  createStalled: async () => ({ exporter: createConsoleExporter({ write: () => new Promise(() => {}) }) }),
  duplicates: 'by-id',
});

describe('console', () => {
  it('prints the canonical line of each record to standard output', async () => {
    const records = exampleRecords(3);
    const { stdout, code } = await runChild(`
      const exporter = createConsoleExporter();
      await exporter.export(${JSON.stringify(records)}, new AbortController().signal);`);
    assert.equal(stdout, records.map((record) => `${canonicalize(record)}\n`).join(''));
    assert.equal(code, 0);
  });

  it('says retry and lets the service live when nobody reads standard output any more', async () => {
    const { stderr, code } = await runChild(
      `const exporter = createConsoleExporter();
      await new Promise((resolve) => process.stdin.once('end', resolve).resume());
      for (let n = 0; n < 3; n += 1) console.error(JSON.stringify(await exporter.export(${JSON.stringify(exampleRecords(1))}, new AbortController().signal)));
      setImmediate(() => setImmediate(() => process.exit(7)));`,
      (child) => {
        child.stdout.destroy();
        child.stdout.once('close', () => child.stdin.end());
      },
    );
    assert.equal(stderr, `${JSON.stringify([{ status: 'retry', reason: 'the output cannot be written (EPIPE)' }])}\n`.repeat(3));
    assert.equal(code, 7);
  });

  it('settles only when a slow reader has taken the lines', async () => {
    let take = (): void => {};
    const slow = new Writable({
      write: (_chunk, _encoding, done) => {
        take = done;
      },
    });
    const exporter = createConsoleExporter({ write: (lines) => writeTo(slow, lines) });
    let settled = false;
    const exported = exporter.export(exampleRecords(1), new AbortController().signal).then(() => {
      settled = true;
    });
    await new Promise(setImmediate);
    assert.equal(settled, false);
    take();
    await exported;
  });

  it('writes nothing more to an output that is stuck', async () => {
    let writes = 0;
    const exporter = createConsoleExporter({
      write: () => {
        writes += 1;
        return new Promise(() => {});
      },
    });
    for (const records of [exampleRecords(1), exampleRecords(1)]) {
      const deadline = new AbortController();
      const exported = exporter.export(records, deadline.signal);
      await new Promise(setImmediate);
      deadline.abort();
      assert.equal((await exported)[0]?.status, 'retry');
    }
    assert.equal(writes, 1);
  });

  it('leaves no listener behind', async () => {
    const stream = new PassThrough();
    await writeTo(stream, 'line\n');
    assert.equal(stream.listenerCount('error'), 0);
  });
});

async function runChild(
  code: string,
  meddle: (child: ReturnType<typeof spawnChild>) => void = () => {},
): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: unknown }> {
  const child = spawnChild(code);
  meddle(child);
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout).catch(() => ''), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, code: exitCode };
}

function spawnChild(code: string) {
  const exporter = JSON.stringify(require.resolve('../../exporters/console/index.js'));
  return spawn(process.execPath, ['-e', `const { createConsoleExporter } = require(${exporter}); (async () => { ${code} })();`], {
    stdio: 'pipe',
  });
}

function linesOf(printed: string): readonly JournalledRecord[] {
  return printed
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JournalledRecord);
}
