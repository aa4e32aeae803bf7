import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { AuditConfigError } from '../../src/errors.js';
import { redactionFaults } from '../../src/redaction-faults.js';

const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-config-'));
const load = (env: Record<string, string>) => loadConfig({ env, directory });

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof AuditConfigError);
    assert.equal(error.code, 'ERR_AUDIT_CONFIG');
    return error.faults;
  }
}

function file(name: string, content: string): string {
  writeFileSync(path.join(directory, name), content);
  return path.join(directory, name);
}

describe('the configuration', () => {
  after(() => rmSync(directory, { recursive: true }));

  it('has a default for everything', () => {
    const config = load({});
    assert.deepEqual(config.exporters, ['file']);
    assert.equal(config.file.directory, path.join(directory, 'audit-log'));
    assert.equal(config.journal.directory, config.file.directory);
    assert.equal(config.capture.maxBodyBytes, 10_000);
    assert.equal(config.capture.requestIdHeader, 'x-request-id');
    assert.equal(config.delivery.shutdownTimeoutMs, 5000);
    assert.equal(config.identity.logAnonymous, true);
    assert.deepEqual(config.warnings, []);
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.capture));
  });

  it('chooses the exporter from what is set', () => {
    const AUDIT_AZURE_CONNECTION_STRING = 'InstrumentationKey=00000000-0000-0000-0000-000000000001';
    assert.deepEqual(load({ AUDIT_POSTGRES_URL: 'postgres://h/d' }).exporters, ['postgres']);
    assert.deepEqual(load({ AUDIT_CONTROL_DB_URL: 'postgresql://h/d' }).postgres.url, 'postgresql://h/d');
    assert.deepEqual(load({ AUDIT_AZURE_CONNECTION_STRING }).exporters, ['azure']);
    assert.deepEqual(load({ APPLICATIONINSIGHTS_CONNECTION_STRING: AUDIT_AZURE_CONNECTION_STRING }).exporters, ['file']);
    assert.deepEqual(load({ AUDIT_EXPORTER: 'console, file,console' }).exporters, ['console', 'file']);
    const own = file('own.js', '');
    assert.deepEqual(load({ AUDIT_EXPORTER: own }).exporters, [own]);
    mkdirSync(path.join(directory, 'node_modules/import-only'), { recursive: true });
    file('node_modules/import-only/package.json', '{"exports":{"import":"./index.mjs"}}');
    assert.deepEqual(load({ AUDIT_EXPORTER: 'import-only,./own' }).exporters, ['import-only', './own']);
  });

  it('lists every fault with its variable, and no value', () => {
    const env = {
      AUDIT_EXPORTER: 'postgres,nonesuch,postgres://user:hunter2@h/d',
      AUDIT_POSTGRES_URL: 'http://user:hunter2@h',
      AUDIT_MAX_BODY_BYTES: '-1',
      AUDIT_MODE: 'hunter2',
      AUDIT_CAPTURE_REQUEST_BODY: 'hunter2',
      AUDIT_ACTOR_TYPE_ALIASES: 'hunter2',
      AUDIT_REQUEST_ID_HEADER: 'hunter2 :',
      AUDIT_EXCLUDE_PATHS: 'hunter2',
      AUDIT_DELIVERY: 'hunter2',
      AUDIT_CONFIG_FILE: 'missing.yaml',
    };
    const faults = faultsOf(env);
    for (const variable of Object.keys(env).filter((name) => name !== 'AUDIT_EXPORTER')) {
      assert.ok(
        faults.some((fault) => fault.startsWith(`${variable}: `)),
        `${variable} in ${faults.join('\n')}`,
      );
    }
    assert.ok(!faults.join('\n').includes('hunter2'));
  });

  it('names unknown exporters, unless the name may be a secret', () => {
    const [unknown, secret] = faultsOf({ AUDIT_EXPORTER: 'nonesuch,postgres://u:hunter2@h/d' });
    assert.match(unknown ?? '', /^AUDIT_EXPORTER: 'nonesuch' is neither built in/);
    assert.match(secret ?? '', /^AUDIT_EXPORTER: a value that is no exporter name/);
  });

  it('needs what the chosen exporter needs', () => {
    assert.match(faultsOf({ AUDIT_EXPORTER: 'postgres' })[0] ?? '', /^AUDIT_POSTGRES_URL: the postgres exporter needs it/);
    assert.match(faultsOf({ AUDIT_EXPORTER: 'azure' })[0] ?? '', /^AUDIT_AZURE_CONNECTION_STRING: the azure exporter needs it/);
  });

  it('reads a secret from a file', () => {
    assert.equal(load({ AUDIT_POSTGRES_URL_FILE: file('url', 'postgres://h/d\n') }).postgres.url, 'postgres://h/d');
    assert.match(faultsOf({ AUDIT_POSTGRES_URL_FILE: '/nonesuch' })[0] ?? '', /^AUDIT_POSTGRES_URL_FILE: cannot be read \(ENOENT\)/);
  });

  it('reads a YAML or JSON file, below the environment', () => {
    const AUDIT_CONFIG_FILE = file(
      'audit.yaml',
      'maxBodyBytes: 500\nlogAnonymous: false\nactorTypeAliases: { Ops: admin }\npolicy:\n  - match: { method: get, status: 4xx }\n    level: full\nexporters: { mine: { a: 1 } }\n',
    );
    const config = load({ AUDIT_CONFIG_FILE, AUDIT_LOG_ANONYMOUS: 'true' });
    assert.equal(config.capture.maxBodyBytes, 500);
    assert.equal(config.identity.logAnonymous, true);
    assert.deepEqual(config.identity.actorTypeAliases, { ops: 'admin' });
    assert.deepEqual(config.policy.rules, [{ match: { method: ['GET'], status: ['4xx'] }, level: 'full', name: 'rule 1' }]);
    assert.deepEqual(config.exporterSettings, { mine: { a: 1 } });
    assert.equal(load({ AUDIT_CONFIG_FILE: file('audit.json', '{"maxBodyBytes": 7}') }).capture.maxBodyBytes, 7);
  });

  it('takes a delivery that waits only with a directory that is chosen', () => {
    assert.match(faultsOf({ AUDIT_DELIVERY: 'confirmed' })[0] ?? '', /^AUDIT_FILE_DIR: must be set for confirmed and strict delivery/);
    const postgres = { AUDIT_DELIVERY: 'strict', AUDIT_POSTGRES_URL: 'postgres://h/d' };
    assert.match(faultsOf(postgres)[0] ?? '', /^AUDIT_JOURNAL_DIR: must be set/);
    assert.equal(load({ ...postgres, AUDIT_JOURNAL_DIR: '/journal' }).policy.delivery, 'strict');
    assert.equal(load({ AUDIT_DELIVERY: 'confirmed', AUDIT_FILE_DIR: 'audit' }).policy.delivery, 'confirmed');
    const AUDIT_CONFIG_FILE = file('strict.yaml', 'policy: [{ level: full, match: { path: /pay }, delivery: strict }]\n');
    assert.match(faultsOf({ AUDIT_CONFIG_FILE })[0] ?? '', /^AUDIT_FILE_DIR: must be set/);
  });

  it('takes journal keys of 32 bytes, and repeats none', () => {
    const keys = ['ab'.repeat(32), Buffer.alloc(32, 7).toString('base64')];
    assert.deepEqual(load({ AUDIT_JOURNAL_KEY: keys.join(', ') }).keys.journal, keys);
    assert.deepEqual(load({ AUDIT_JOURNAL_KEY_FILE: file('key', `${keys[0]}\n`) }).keys.journal, [keys[0]]);
    const [fault = ''] = faultsOf({ AUDIT_JOURNAL_KEY: 'hunter2' });
    assert.match(fault, /^AUDIT_JOURNAL_KEY: must be 32 random bytes/);
    assert.doesNotMatch(fault, /hunter2/);
  });

  it('names what is wrong in the file, without its content', () => {
    const AUDIT_CONFIG_FILE = file(
      'bad.yaml',
      'policy: [{ level: hunter2 }, { level: full, match: { status: 9xx } }, { level: full, delivery: hunter2 }]\n',
    );
    const faults = faultsOf({ AUDIT_CONFIG_FILE });
    assert.match(faults[0] ?? '', /^AUDIT_CONFIG_FILE policy\.0\.level: must be one of none/);
    assert.match(faults[1] ?? '', /^AUDIT_CONFIG_FILE policy\.1\.match\.status: must be a status/);
    assert.match(faults[2] ?? '', /^AUDIT_CONFIG_FILE policy\.2\.delivery: must be one of async, confirmed, strict/);
    assert.deepEqual(faultsOf({ AUDIT_CONFIG_FILE: file('broken.yaml', 'a: [hunter2') }), ['AUDIT_CONFIG_FILE: is not valid YAML or JSON']);
  });

  it('reads how to redact from the file, and the key from its own variable', () => {
    const AUDIT_CONFIG_FILE = file(
      'redaction.yaml',
      `redactFields: [badge]
redaction:
  fields: [locker]
  remove: [session]
  allow: [$.order.token_count]
  rules: [{ fields: [card number], action: last4 }, { fields: [user ref], action: hash }, { fields: [memo], action: truncate, keep: 8 }]
  patterns: ['EMP-[0-9]{4,6}']
  pathSegments: [claim]
  email: true
`,
    );
    const AUDIT_HASH_KEY_FILE = file('hash-key', 'a-key-of-sixteen-or-more\n');
    const { redaction, keys } = loadConfig({ env: { AUDIT_CONFIG_FILE, AUDIT_HASH_KEY_FILE }, directory, faultsOf: redactionFaults });
    assert.equal(keys.hash, 'a-key-of-sixteen-or-more');
    assert.deepEqual(redaction, {
      fields: ['badge', 'locker'],
      remove: ['session'],
      allow: ['$.order.token_count'],
      rules: [
        { fields: ['card number'], action: 'last4' },
        { fields: ['user ref'], action: 'hash' },
        { fields: ['memo'], action: 'truncate', keep: 8 },
      ],
      patterns: ['EMP-[0-9]{4,6}'],
      pathSegments: ['claim'],
      email: true,
    });
  });

  it('stops the start for what redaction could not do, without a value', () => {
    const AUDIT_CONFIG_FILE = file(
      'bad-redaction.yaml',
      "redaction: { allow: [hunter2], rules: [{ fields: [a], action: hash }], patterns: ['(hunter2+)+x'] }\n",
    );
    const attempt = () => loadConfig({ env: { AUDIT_CONFIG_FILE }, directory, faultsOf: redactionFaults });
    assert.throws(attempt, (error) => {
      assert.ok(error instanceof AuditConfigError);
      assert.deepEqual(
        error.faults.map((fault) => fault.slice(0, fault.indexOf(': '))),
        ['allow[0]', 'rules[0].action', 'patterns[0]'].map((place) => `AUDIT_CONFIG_FILE redaction.${place}`),
      );
      assert.match(error.message, /hash needs AUDIT_HASH_KEY/);
      return !error.message.includes('hunter2');
    });
    const shapes = faultsOf({
      AUDIT_HASH_KEY: 'short',
      AUDIT_CONFIG_FILE: file('odd-redaction.yaml', 'redaction: { hide: x, rules: [{ fields: a, action: hunter2 }] }\n'),
    });
    assert.match(shapes.join('\n'), /^AUDIT_HASH_KEY: must be at least 16 characters$/m);
    assert.match(shapes.join('\n'), /^AUDIT_CONFIG_FILE redaction\.rules\.0\.action: must be one of mask, drop/m);
    assert.match(shapes.join('\n'), /^AUDIT_CONFIG_FILE redaction\.hide: /m);
  });

  it('says what has no effect', () => {
    const { warnings } = load({ AUDIT_EXPORTERS: 'x' });
    assert.deepEqual(warnings, ['AUDIT_EXPORTERS is not a setting of otel-audit and has no effect']);
  });

  it('takes an Ed25519 key to sign with, and no other', () => {
    const seed = Buffer.alloc(32, 7).toString('base64');
    assert.equal(load({ AUDIT_SIGNING_KEY: seed }).keys.signing, seed);
    file('signing.pem', seed);
    assert.equal(load({ AUDIT_SIGNING_KEY_FILE: 'signing.pem' }).keys.signing, seed);
    assert.match(faultsOf({ AUDIT_SIGNING_KEY: 'hunter2' }).join(), /^AUDIT_SIGNING_KEY: must be an Ed25519 private key/);
    assert.match(faultsOf({ AUDIT_CHECKPOINT_URL: 'ftp://x' }).join(), /^AUDIT_CHECKPOINT_URL: must be an http/);
    assert.match(faultsOf({ AUDIT_CHECKPOINT_MS: '0' }).join(), /^AUDIT_CHECKPOINT_MS: must be a whole number/);
  });

  it('takes the name from the environment or the nearest package.json', () => {
    file('package.json', '{"name":"shop","version":"1.2.3"}');
    assert.deepEqual(load({}).service, { name: 'shop', version: '1.2.3' });
    assert.equal(load({ OTEL_SERVICE_NAME: 'otel' }).service.name, 'otel');
    assert.equal(load({ OTEL_SERVICE_NAME: 'otel', AUDIT_SERVICE_NAME: 'audit' }).service.name, 'audit');
  });

  it('reads who, for whom and from where', () => {
    const { identity, client } = load({
      AUDIT_JWT_CLAIMS: 'id=employee, tenantId=org.id',
      AUDIT_JWT_SECRET_FILE: file('secret', 'hunter2\n'),
      AUDIT_JWT_AUDIENCE: 'orders,billing',
      AUDIT_ACTOR_TYPE_ALIASES: 'Ops_Admin=platform_admin',
      AUDIT_IDENTITY_SOURCES: `${file('who.js', '')},jwt`,
      AUDIT_TRUST_PROXY: 'loopback, 192.0.2.0/24',
      AUDIT_CLIENT_HEADER: 'Forwarded',
      AUDIT_GEOIP_DATABASE: file('geo.mmdb', ''),
      WEBSITE_AUTH_ENABLED: 'True',
    });
    assert.deepEqual(identity.claims, { id: 'employee', tenantId: 'org.id' });
    assert.deepEqual([identity.jwt.secret, identity.jwt.audiences], ['hunter2', ['orders', 'billing']]);
    assert.deepEqual(identity.actorTypeAliases, { ops_admin: 'platform_admin' });
    assert.deepEqual(identity.sources, [path.join(directory, 'who.js'), 'jwt']);
    assert.equal(identity.easyAuth, true);
    assert.deepEqual(client.trustProxy, { ranges: ['127.0.0.0/8', '::1', '192.0.2.0/24'] });
    assert.equal(client.clientHeader, 'forwarded');
    assert.deepEqual(client.geoDatabases, [path.join(directory, 'geo.mmdb')]);
    assert.deepEqual(load({ AUDIT_TRUST_PROXY: '2' }).client.trustProxy, { hops: 2 });
    assert.equal(load({ AUDIT_EASY_AUTH: 'off', WEBSITE_AUTH_ENABLED: 'True' }).identity.easyAuth, false);
    assert.equal(load({}).identity.easyAuth, false);
  });

  it('refuses settings that would trust too much or nothing, and names no value', () => {
    const wrong: Record<string, string> = {
      AUDIT_JWT_JWKS_URL: 'hunter2',
      AUDIT_JWT_PUBLIC_KEY: '-----BEGIN PRIVATE KEY-----hunter2',
      AUDIT_JWT_ALGORITHMS: 'none',
      AUDIT_JWT_CLAIMS: 'password=hunter2',
      AUDIT_TRUST_PROXY: 'true',
      AUDIT_TENANT_HOST: 'hunter2',
      AUDIT_IDENTITY_SOURCES: 'jwt,hunter2',
      AUDIT_TENANT_SOURCES: 'hunter2',
      AUDIT_GEOIP_DATABASE: 'hunter2',
      AUDIT_API_KEY_PREFIX_LENGTH: 'hunter2',
      AUDIT_EASY_AUTH: 'hunter2',
    };
    for (const [variable, value] of Object.entries(wrong)) {
      const faults = faultsOf({ [variable]: value });
      assert.equal(faults.length, 1, variable);
      assert.ok(faults[0]?.startsWith(`${variable}: `) && !faults[0].includes('hunter2'), faults[0]);
    }
    for (const trust of ['0', '17', '10.0.0.0/33', 'everybody', '*']) assert.equal(faultsOf({ AUDIT_TRUST_PROXY: trust }).length, 1, trust);
    assert.match(faultsOf({ AUDIT_JWT_SECRET: 'x', AUDIT_JWT_JWKS_URL: 'https://i.example' })[0] ?? '', /only one of/);
    assert.match(faultsOf({ AUDIT_JWT_SECRET: 'x', AUDIT_JWT_ALGORITHMS: 'RS256' })[0] ?? '', /none of them fits the key/);
    assert.match(load({ AUDIT_JWT_JWKS_URL: 'https://i.example' }).warnings[0] ?? '', /^AUDIT_JWT_AUDIENCE is not set/);
  });

  it('echoes no request id where that is off', () => {
    const { capture } = load({ AUDIT_REQUEST_ID_HEADER: 'off' });
    assert.deepEqual([capture.requestIdHeader, capture.echoRequestId], ['x-request-id', false]);
  });
});
