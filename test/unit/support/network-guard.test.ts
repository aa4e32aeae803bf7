import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const GUARD = join(__dirname, '../../support/network-guard.js');

/** Addresses of RFC 5737, which belong to nobody: should the guard fail, no stranger is called. */
const ATTEMPTS: readonly (readonly [string, string])[] = [
  ['a socket', "require('node:net').connect(80, '192.0.2.1').on('error', () => {})"],
  ['a socket by its options', "require('node:net').connect({ port: 80, host: 'example.invalid' }).on('error', () => {})"],
  ['TLS', "require('node:tls').connect(443, '192.0.2.1').on('error', () => {})"],
  ['http', "require('node:http').get('http://192.0.2.1/').on('error', () => {})"],
  ['fetch', "fetch('http://192.0.2.1/').catch(() => {})"],
  ['a look-up', "require('node:dns').lookup('example.invalid', () => {})"],
  ['a look-up by promise', "require('node:dns').promises.lookup('example.invalid').catch(() => {})"],
  ['a resolver', "try { require('node:dns').resolve4('example.invalid', () => {}) } catch {}"],
  ['a resolver by promise', "try { require('node:dns/promises').resolveTxt('example.invalid') } catch {}"],
  [
    'a datagram',
    "try { require('node:dgram').createSocket('udp4').send('x', 53, '192.0.2.1', function () { this.close() }) } catch { process.exit() }",
  ],
  [
    'a worker',
    `new (require('node:worker_threads').Worker)("fetch('http://192.0.2.1').catch(() => {})", { eval: true, execArgv: [], env: {} })`,
  ],
  ['a child', `require('node:child_process').spawn(process.execPath, ['-e', "fetch('http://192.0.2.1').catch(() => {})"], { env: {} })`],
];

for (const [name, code] of ATTEMPTS) {
  test(`fails the process when ${name} leaves loopback, though the error is swallowed`, async () => {
    const { exitCode, stderr } = await run(code);
    assert.equal(exitCode, 1);
    assert.match(stderr, /network guard: attempts to leave loopback/);
  });
}

test('lets loopback pass', async () => {
  const code = `const s = require('node:http').createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1', async () => {
    for (const host of ['127.0.0.1', 'localhost']) await (await fetch('http://' + host + ':' + s.address().port)).text();
    s.close(); s.closeAllConnections();
  })`;
  const { exitCode, stderr } = await run(code);
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
});

async function run(code: string): Promise<{ exitCode: unknown; stderr: string }> {
  const { NETWORK_GUARD_LOG: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--require', GUARD, '-e', code], { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, stderr };
}
