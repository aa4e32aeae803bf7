/** How the Postgres exporter finds its server: TLS, several hosts, tokens. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { addressFaults, parseAddress } from '../../exporters/postgres/address.js';
import { createPostgresExporter, createTables, type PostgresExporterOptions } from '../../exporters/postgres/index.js';
import { exampleRecords } from '../../src/testing/records.js';
import { emptySchema, newRole, readTrail } from '../support/audit-schema.js';
import { query, startPostgres, type TestPostgres } from '../support/postgres.js';
import { ROOT } from '../support/service.js';

const CA = readFileSync(join(ROOT, 'test/fixtures/tls/cert.pem'), 'utf8');

let server: TestPostgres;
let plain: TestPostgres;
before(async () => {
  [server, plain] = await Promise.all([startPostgres({ tls: true, passwords: true }), startPostgres()]);
});
after(() => Promise.all([server?.stop(), plain?.stop()]));

describe('postgres address', () => {
  it('means TLS with a checked certificate for every host but this machine', () => {
    const tlsOf = (host: string, query = ''): unknown => parseAddress(`postgres://u:p@${host}/d${query}`).hosts[0]?.tls;
    for (const host of ['db.example', '10.0.0.1:5432', '[fe80::2]:5432', '127.0.0.1.example', 'localhost.example', '128.0.0.1'])
      assert.deepEqual(tlsOf(host), {}, host);
    for (const host of ['localhost', 'localhost:5433', '127.0.0.1', '127.8.9.1:1', '[::1]:5432', '%2Fvar%2Frun%2Fpostgresql'])
      assert.equal(tlsOf(host), false, host);
    assert.deepEqual(tlsOf('localhost', '?host=db.example'), {});
    for (const mode of ['prefer', 'require', 'verify-full']) assert.deepEqual(tlsOf('localhost', `?sslmode=${mode}`), {});
    assert.equal(tlsOf('db.example', '?sslmode=disable'), false);
    assert.deepEqual(tlsOf('db.example', '?sslmode=no-verify'), { rejectUnauthorized: false });
    // What `pg` would take for leave not to check.
    assert.deepEqual(tlsOf('db.example', '?sslmode=require&uselibpqcompat=true'), {});
  });

  it('may name several hosts, each with the rest of the URL, and then wants one that takes writes', () => {
    const { hosts, target } = parseAddress('postgres://u:p%40,x@a:1,b,c:3/d?options=-c%20search_path%3Daudit&sslmode=disable');
    const rest = '/d?options=-c%20search_path%3Daudit';
    assert.deepEqual(
      hosts.map(({ url }) => url),
      [`postgres://u:p%40,x@a:1${rest}`, `postgres://u:p%40,x@b${rest}`, `postgres://u:p%40,x@c:3${rest}`],
    );
    assert.equal(target, 'read-write');
    assert.equal(parseAddress('postgres://a/d').target, 'any');
    assert.equal(parseAddress('postgres://a,b/d?target_session_attrs=any').target, 'any');
  });

  it('has its faults told without a word of it', () => {
    for (const url of [
      's3cret',
      'postgres://u:s3cret@/d',
      'postgres://u:s3cret@a,,b/d',
      'postgres://u:s3cret@a/d?sslmode=allow',
      'postgres://u:s3cret@a/d?target_session_attrs=standby',
      'postgres://u:s3cret@a/d?sslrootcert=/no/s3cret',
    ]) {
      const [fault, ...others] = addressFaults(url);
      assert.match(String(fault), /^AUDIT_POSTGRES_URL: the (?:URL|file of sslrootcert in the URL) of the Postgres exporter cannot be/);
      assert.doesNotMatch(String(fault), /s3cret/);
      assert.equal(others.length, 0);
    }
  });
});

describe('postgres TLS', () => {
  it('is what the server sees when the URL asks for it or the host is another', async () => {
    const url = await emptySchema(server.url);
    for (const [access, encrypted] of [
      [{ url }, false],
      [{ url: `${url}&sslmode=verify-full`, ca: CA }, true],
      [{ url: `${url}&sslmode=verify-full&sslrootcert=${join(ROOT, 'test/fixtures/tls/cert.pem')}` }, true],
      [{ url: `${url}&sslmode=no-verify` }, true],
      // Not written as this machine's address, so not taken for it.
      [{ url: url.replace('127.0.0.1', '127.1').concat('&sslmode=verify-ca'), ca: CA }, true],
    ] as const) {
      assert.equal(await isEncrypted(access), encrypted);
    }
  });

  it('is refused to a server whose certificate nobody trusted has signed, or is for another name', async () => {
    const url = await emptySchema(server.url);
    assert.match(await offer({ url: `${url}&sslmode=verify-full` }), /nobody trusted signed .* \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
    const elsewhere = url.replace('127.0.0.1', '127.1');
    assert.match(await offer({ url: elsewhere, ca: CA }), /certificate is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)/);
    assert.deepEqual(await readTrail(url), []);
  });

  it('is not done without for a server that speaks none', async () => {
    const url = await emptySchema(plain.url);
    const elsewhere = url.replace('127.0.0.1', '127.1');
    assert.match(await offer({ url: elsewhere }), /the server speaks no TLS: .*sslmode=disable/);
    assert.deepEqual(await readTrail(url), []);
    assert.equal(await offer({ url: `${elsewhere}&sslmode=disable` }), 'delivered');
  });
});

describe('postgres hosts', () => {
  it('are tried until one takes writes: not one that is down, nor one that only reads', async (t) => {
    const url = await emptySchema(plain.url);
    await createTables(url);
    const reading = await readOnlyTwin(t, url);
    const closed = await closedPort();
    const { port } = new URL(url);
    const several = url.replace(`127.0.0.1:${port}`, `127.0.0.1:${closed},127.0.0.1:${reading},127.0.0.1:${port}`);
    assert.equal(await offer({ url: several }), 'delivered');
    assert.equal((await readTrail(url)).length, 1);
    const none = url.replace(`127.0.0.1:${port}`, `127.0.0.1:${closed},127.0.0.1:${reading}`);
    assert.match(await offer({ url: none }), /no host of the URL takes writes/);
    assert.match(await offer({ url: `${none}&target_session_attrs=any` }), /read-only \(25006\)/);
  });
});

describe('postgres credential', () => {
  it('is a token of Microsoft Entra in place of a password', async (t) => {
    const url = await emptySchema(server.url);
    await createTables(url);
    const { role, url: writer } = await newRole(url);
    await query(
      url,
      `SET password_encryption = 'scram-sha-256'; ALTER ROLE ${role} PASSWORD 'the-token'; GRANT INSERT ON audit_logs TO ${role}`,
    );
    const scopes = await managedIdentity(t, 'the-token');
    assert.notEqual(await offer({ url: writer }), 'delivered');
    assert.equal(await offer({ url: writer, credential: 'entra' }), 'delivered');
    assert.deepEqual(scopes, ['https://ossrdbms-aad.database.windows.net']);
  });
});

/** What became of one record. */
async function offer(options: PostgresExporterOptions): Promise<string> {
  const exporter = createPostgresExporter(options);
  const [answer] = await exporter.export(exampleRecords(1), AbortSignal.timeout(60_000));
  await exporter.shutdown();
  return answer === undefined || 'reason' in answer ? String(answer?.reason) : answer.status;
}

/** As the server sees the exporter's connection. */
async function isEncrypted(options: PostgresExporterOptions): Promise<unknown> {
  const exporter = createPostgresExporter(options);
  const [answer] = await exporter.export(exampleRecords(1), AbortSignal.timeout(60_000));
  assert.deepEqual(answer, { status: 'delivered' });
  const connections = await query(
    server.url,
    "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'otel-audit'",
  );
  await exporter.shutdown();
  assert.equal(connections.length, 1);
  return connections[0]?.ssl;
}

/** A port that leads to the server, where every session only reads. */
async function readOnlyTwin(t: TestContext, url: string): Promise<number> {
  const upstream = Number(new URL(url).port);
  const twin = createTcpServer((client) => {
    client.once('data', (packet) => {
      const line = connect(upstream, '127.0.0.1');
      line.write(withOption(packet, 'default_transaction_read_only', 'on'));
      client.pipe(line).pipe(client);
      for (const socket of [client, line]) socket.on('error', () => {});
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => twin.once('listening', resolve));
  t.after(() => twin.close());
  return (twin.address() as AddressInfo).port;
}

/** A start-up packet with one more setting. */
function withOption(packet: Buffer, name: string, value: string): Buffer {
  const longer = Buffer.concat([packet.subarray(0, -1), Buffer.from(`${name}\0${value}\0\0`)]);
  longer.writeInt32BE(longer.length, 0);
  return longer;
}

async function closedPort(): Promise<number> {
  const probe = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** The token endpoint that Azure gives an App Service; answers the resources that were asked for. */
async function managedIdentity(t: TestContext, token: string): Promise<readonly string[]> {
  const asked: string[] = [];
  const endpoint = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://localhost').searchParams.get('resource') ?? '');
    const expires = String(Math.floor(Date.now() / 1000) + 3600);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: token, expires_on: expires, resource: 'r', token_type: 'Bearer' }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => endpoint.once('listening', resolve));
  const variables = { IDENTITY_ENDPOINT: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`, IDENTITY_HEADER: 'secret' };
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
    endpoint.closeAllConnections();
    endpoint.close();
  });
  return asked;
}
