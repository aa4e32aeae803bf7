import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { createModesFolder, MODES, type Mode, type Probe, startMode } from '../support/preload-modes.js';
import type { ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

/** Runs in the worker, as modules do, and tells what is loaded there once the other exporter is. */
const WITNESS = `
exports.createExporter = () => ({
  name: 'witness',
  async export(records) {
    const modules = Object.keys(require.cache);
    if (!modules.some((file) => file.includes('/node_modules/pg/'))) return records.map(() => ({ status: 'retry', reason: 'early', afterMs: 10 }));
    require('node:fs').writeFileSync(__dirname + '/worker.json', JSON.stringify(modules));
    return records.map(() => ({ status: 'delivered' }));
  },
  async shutdown() {},
});
`;

describe('what the preload loads', { timeout: 60_000 }, () => {
  let postgres: TestPostgres;
  let folder: ServiceFolder;
  before(async () => {
    postgres = await startPostgres();
    folder = createModesFolder();
    writeFileSync(join(folder.directory, 'witness.js'), WITNESS);
  });
  after(async () => {
    folder.remove();
    await postgres.stop();
  });

  /** The packages of the main thread once a record has been delivered. */
  async function packagesOf(mode: Mode, env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    const service = await startMode(folder, mode, { postgresUrl: postgres.url, env });
    try {
      await send(`${service.url}/api/orders`, { method: 'POST' }, '{}');
      let probe: Probe | undefined;
      await until('a record is delivered', async () => {
        probe = JSON.parse((await send(`${service.url}/health`)).body) as Probe;
        return (probe.delivered ?? 0) > 0;
      });
      return probe?.packages ?? [];
    } finally {
      await service.end('SIGKILL');
    }
  }

  for (const mode of MODES.filter((name) => /^(?:standalone|attach)/.test(name))) {
    it(`is no exporter's SDK on the service's own thread (${mode})`, async () => {
      const packages = await packagesOf(mode);
      assert.deepEqual(
        packages.filter((name) => name === 'pg' || name.startsWith('@azure/')),
        [],
      );
      const telemetry = ['@opentelemetry/instrumentation-http', '@opentelemetry/sdk-node', '@opentelemetry/sdk-trace-base', 'yaml'];
      const loaded = telemetry.filter((name) => packages.includes(name));
      assert.deepEqual(loaded, mode.startsWith('attach') ? [] : telemetry, 'a telemetry SDK is for standalone mode');
    });
  }

  it('is in the worker the SDK of the exporter that is used, and no other', async () => {
    await packagesOf('attach postgres', { AUDIT_EXPORTER: 'postgres,./witness.js' });
    const modules = JSON.parse(readFileSync(join(folder.directory, 'worker.json'), 'utf8')) as readonly string[];
    const loads = (name: string): boolean => modules.some((file) => file.includes(`/node_modules/${name}/`));
    assert.ok(loads('pg'), 'the worker has what it needs');
    assert.deepEqual(['@azure', '@opentelemetry', 'valibot', 'yaml', 'pluralize'].filter(loads), []);
  });
});
