import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { defaultJournalDirectory, fingerprintDestinations } from '../../../src/journal/destinations.js';
import { makeConfig } from '../../support/config.js';

const postgres = (url: string) => makeConfig({ exporters: ['postgres'], postgres: { url } });

test('stays the same when a password or a user changes, so that streams of the last run are still adopted', () => {
  const before = fingerprintDestinations(postgres('postgres://a:old@db.example:5432/audit'));
  assert.equal(fingerprintDestinations(postgres('postgres://b:new@db.example:5432/audit')), before);
});

test('differs by exporter, host, database, instrumentation key, directory and object', () => {
  const configs = [
    postgres('postgres://a@db.example/audit'),
    postgres('postgres://a@other.example/audit'),
    postgres('postgres://a@db.example/other'),
    makeConfig({ exporters: ['azure'], azure: { connectionString: 'InstrumentationKey=1;IngestionEndpoint=https://x/' } }),
    makeConfig({ exporters: ['azure'], azure: { connectionString: 'InstrumentationKey=2;IngestionEndpoint=https://x/' } }),
    makeConfig({ exporters: ['azure-logs'], azureLogs: { ruleId: 'dcr-1', stream: 'Custom-A' } }),
    makeConfig({ exporters: ['azure-logs'], azureLogs: { ruleId: 'dcr-2', stream: 'Custom-A' } }),
    makeConfig({ exporters: ['file'], file: { ...makeConfig().file, directory: '/a' } }),
    makeConfig({ exporters: ['file'], file: { ...makeConfig().file, directory: '/b' } }),
    makeConfig({ exporters: ['./mine.js'] }),
  ];
  const prints = [...configs.map((config) => fingerprintDestinations(config)), fingerprintDestinations(makeConfig(), ['mine'])];
  assert.equal(new Set(prints).size, prints.length);
});

test('holds nothing of the configuration in its text', () => {
  const config = postgres('postgres://user:hunter2@db.example/audit');
  assert.match(fingerprintDestinations(config), /^[0-9a-f]{16}$/);
  assert.ok(defaultJournalDirectory(config).startsWith(tmpdir()));
});

test('a URL that is none is no reason to throw', () => {
  assert.match(fingerprintDestinations(postgres('not a url')), /^[0-9a-f]{16}$/);
});
