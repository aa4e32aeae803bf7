/** samples/custom-exporter against a webhook: it gets the records, and a module that is none stops the start. */

import '../support/network-guard.js';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { JournalledRecord } from '../../src/record.js';
import { listen, send } from '../support/audited-server.js';
import { createSampleFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

describe('samples/custom-exporter', () => {
  it('gets every record, those that the webhook refused at first too', async (t) => {
    const { url, received } = await startWebhook(t, [503, 201]);
    await runWith(t, { 'audit.yaml': settingsOf(url) }, async (service) => {
      for (let n = 0; n < 20; n += 1) await send(`${service}/api/notes`, { method: 'POST' }, `{"n":${n},"password":"hunter2"}`);
      await until(
        'the webhook has them all',
        () =>
          new Set(
            received
              .flat()
              .filter(({ kind }) => kind === 'http')
              .map(({ id }) => id),
          ).size === 20,
        15_000,
      );
    });
    assert.ok(received.length > 1, 'the first batch was offered again');
    assert.deepEqual(received[0]?.[0], received[1]?.[0]);
    for (const record of received.flat().filter(({ kind }) => kind === 'http')) {
      assert.equal(record.action, 'note.created');
      assert.equal(record.service.name, 'notes');
      assert.ok(!JSON.stringify(record).includes('hunter2'));
    }
  });

  it('passes the contract suite as its author would run it', async (t) => {
    const folder = createSampleFolder('custom-exporter');
    t.after(() => folder.remove());
    // Without it, a test run within a test run reports to its parent.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', 'my-exporter.test.js'], {
      cwd: folder.directory,
      env,
    });
    assert.match(stdout, /ok \d+ - stores any record that can be built/);
    assert.match(stdout, /^# fail 0$/m);
  });

  it('keeps what the webhook can never store as dead letters', async (t) => {
    // Also when they are offered alone.
    const { url } = await startWebhook(
      t,
      Array.from({ length: 20 }, () => 422),
    );
    const name = './my-exporter';
    const visit = async (service: string): Promise<void> => void (await send(`${service}/api/notes`, { method: 'POST' }, '{}'));
    const { stderr } = await runWith(t, { 'audit.yaml': settingsOf(url, name) }, visit, { AUDIT_EXPORTER: name });
    assert.match(stderr, /\.\/my-exporter rejected \d record\(s\) \(the webhook answered 422\); they are kept as dead letters/);
  });

  const BAD: Readonly<Record<string, readonly [file: string | undefined, message: RegExp]>> = {
    'that is not there': [undefined, /AUDIT_EXPORTER: '\.\/other\.js' is neither built in .* nor a module that can be found/],
    'with a syntax error': ['exports.createExporter = (', /AUDIT_EXPORTER: the module \.\/other\.js cannot be loaded \(SyntaxError\)/],
    'that lacks a dependency': ["require('absent-package')", /the module \.\/other\.js cannot be loaded \(MODULE_NOT_FOUND\)/],
    'that throws when it is loaded': ["throw new Error('key=hunter2')", /the module \.\/other\.js cannot be loaded \(Error\)/],
    'without createExporter': ['exports.createexporter = () => {}', /the module \.\/other\.js exports no function createExporter/],
  };
  for (const [name, [file, message]] of Object.entries(BAD)) {
    it(`stops the start for a module ${name}`, async (t) => {
      const starting = runWith(t, file === undefined ? {} : { 'other.js': file }, async () => {}, { AUDIT_EXPORTER: './other.js' });
      await assert.rejects(starting, (error: Error) => {
        assert.match(error.message, /ended before it listened \(78\)/);
        assert.match(error.message, message);
        assert.ok(!error.message.includes('hunter2'));
        return true;
      });
    });
  }

  it('takes an ES module that awaits while it loads', async (t) => {
    const { url, received } = await startWebhook(t, []);
    const module = `
      const { default: { createExporter: inner } } = await import('./my-exporter.js');
      export const createExporter = (options) => inner({ ...options, settings: { url: '${url}' } });`;
    const visit = async (service: string): Promise<void> => {
      await send(`${service}/api/notes`);
      await until('the record is there', () => received.flat().some(({ kind }) => kind === 'http'));
    };
    await runWith(t, { 'sink.mjs': module }, visit, { AUDIT_EXPORTER: './sink.mjs' });
    assert.equal(received.flat().filter(({ kind }) => kind === 'http').length, 1);
  });
});

const settingsOf = (url: string, name = './my-exporter.js'): string => `exporters:\n  ${name}:\n    url: ${url}\n`;

async function runWith(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  work: (url: string) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
) {
  const folder = createSampleFolder('custom-exporter', files);
  t.after(() => folder.remove());
  const service = await folder.start({
    entry: 'server.js',
    env: { PORT: '0', AUDIT_EXPORTER: './my-exporter.js', AUDIT_CONFIG_FILE: 'audit.yaml', AUDIT_JOURNAL_DIR: 'journal', ...env },
  });
  try {
    await work(service.url);
  } finally {
    await service.end();
  }
  return { stderr: service.stderr() };
}

/** Answers with `statuses` in turn, then 200. */
async function startWebhook(t: TestContext, statuses: readonly number[]) {
  const received: JournalledRecord[][] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push((JSON.parse(Buffer.concat(chunks).toString()) as { records: JournalledRecord[] }).records);
    response.writeHead(statuses[received.length - 1] ?? 200, { 'retry-after': '0' }).end();
  });
  const { url, close } = await listen(server);
  t.after(close);
  return { url, received };
}
