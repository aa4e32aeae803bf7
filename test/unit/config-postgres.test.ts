import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { exporterFaults } from '../../exporters/index.js';
import { type AuditConfig, loadConfig } from '../../src/config.js';
import { reportSettings } from '../../src/config-report.js';
import { AuditConfigError } from '../../src/errors.js';
import { fingerprintDestinations } from '../../src/journal/destinations.js';

const URL = 'postgres://audit@db.example/audit';
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';

describe('the settings of the postgres exporter', () => {
  it('take a URL of several hosts, and tell one cluster from another', () => {
    const several = (hosts: string): AuditConfig => configOf({ AUDIT_POSTGRES_URL: `postgres://audit:p,w@${hosts}/audit` });
    assert.equal(several('a:5432,b:5432').postgres.url, 'postgres://audit:p,w@a:5432,b:5432/audit');
    assert.notEqual(fingerprintDestinations(several('a:1,b:1')), fingerprintDestinations(several('a:1,c:1')));
    const other = configOf({ AUDIT_POSTGRES_URL: 'postgres://other:secret@a:1,b:1/audit' });
    assert.equal(fingerprintDestinations(several('a:1,b:1')), fingerprintDestinations(other));
  });

  it('take certificates from a variable or a file, and show neither', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-ca-'));
    writeFileSync(path.join(directory, 'ca.pem'), PEM);
    const env = { AUDIT_POSTGRES_URL: URL, AUDIT_POSTGRES_CA_FILE: path.join(directory, 'ca.pem'), AUDIT_POSTGRES_CREDENTIAL: 'Entra' };
    assert.deepEqual(configOf(env).postgres, { url: URL, ca: PEM, credential: 'entra' });
    const shown = reportSettings({ env, directory }).find(({ name }) => name === 'AUDIT_POSTGRES_CA');
    assert.equal(shown?.value, '(set, not shown)');
    rmSync(directory, { recursive: true });
  });

  it('are not called set where they are not', () => {
    const shown = new Map(reportSettings({ env: {}, directory: '.' }).map(({ name, value }) => [name, value]));
    assert.equal(shown.get('AUDIT_POSTGRES_CREDENTIAL'), 'password');
    assert.equal(shown.get('AUDIT_JOURNAL_KEY'), '(not set)');
    assert.deepEqual(
      [...shown].filter(([, value]) => value === '(set, not shown)'),
      [],
    );
  });

  it('are refused by name, all at once', () => {
    const faults = faultsOf({
      AUDIT_POSTGRES_URL: `${URL}?sslmode=allow`,
      AUDIT_POSTGRES_CA: '/path/to/ca.pem',
      AUDIT_POSTGRES_CREDENTIAL: 'kerberos',
    });
    assert.deepEqual(faults, [
      'AUDIT_POSTGRES_CA: must be certificates in PEM',
      'AUDIT_POSTGRES_CREDENTIAL: must be one of password, entra',
      'AUDIT_POSTGRES_URL: the URL of the Postgres exporter cannot be used: sslmode is verify-full, verify-ca, no-verify or disable',
    ]);
  });
});

function configOf(env: Readonly<Record<string, string>>): AuditConfig {
  return loadConfig({ env, directory: tmpdir(), faultsOf: exporterFaults });
}

function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    configOf(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof AuditConfigError);
    return error.faults;
  }
}
