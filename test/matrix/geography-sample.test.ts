import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import type { AuditGeo } from '../../src/record.js';
import { send } from '../support/audited-server.js';
import { makeDatabase } from '../support/mmdb.js';
import { createSampleFolder, ROOT } from '../support/service.js';
import { until } from '../support/waiting.js';

const INSTALL = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
const DATABASE = 'node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';
// The file is looked at every ten seconds.
const RELOADED_MS = 60_000;

it('tells where the callers are, by the database of the sample and by the one that replaces it', async (t) => {
  const folder = createSampleFolder('geography');
  t.after(() => folder.remove());
  await promisify(execFile)('npm', INSTALL, { cwd: folder.directory, timeout: 120_000 });
  symlinkSync(ROOT, path.join(folder.directory, 'node_modules/otel-audit'), 'dir');
  const service = await folder.start({ entry: 'server.js', env: { AUDIT_CONFIG_FILE: 'audit.yaml' } });
  t.after(() => service.process.exitCode === null && service.end('SIGKILL'));

  let asked = 0;
  const geoOf = async (address: string): Promise<AuditGeo | undefined> => {
    const id = `r-${asked++}`;
    await send(service.url, { headers: { 'x-forwarded-for': `198.51.100.1, ${address}`, 'x-request-id': id } });
    const client = () => folder.records().find(({ request }) => request?.id === id)?.client;
    await until(`the record of ${id} is written`, () => client() !== undefined);
    assert.equal(client()?.address, address);
    return client()?.geo;
  };
  // Addresses of the regional registries themselves, which do not move.
  assert.deepEqual(await geoOf('193.0.6.139'), { country: 'NL' });
  assert.deepEqual(await geoOf('202.12.29.175'), { country: 'AU' });
  assert.deepEqual(await geoOf('2001:67c:2e8::1'), { country: 'NL' });
  assert.equal(await geoOf('127.0.0.5'), undefined);

  const entry = { country_code: 'BE', state1: 'Limburg', city: 'Genk', autonomous_system_number: 64496 };
  const database = path.join(folder.directory, DATABASE);
  writeFileSync(`${database}.new`, makeDatabase({ '193.0.6.0/24': entry }));
  renameSync(`${database}.new`, database);
  await until('the new file is read', async () => (await geoOf('193.0.6.139'))?.country === 'BE', RELOADED_MS);
  assert.deepEqual(await geoOf('193.0.6.139'), { country: 'BE', region: 'Limburg', city: 'Genk', asn: 64496 });
});
