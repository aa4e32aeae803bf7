import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { send } from '../support/audited-server.js';
import { type CommandResult, runCommand } from '../support/command.js';
import { createServiceFolder, type ServiceFolder } from '../support/service.js';
import { signingKey } from '../support/signed-trail.js';

const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => request.resume().on('end', () => response.end('ok')));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); });
`;
const KEY = randomBytes(32).toString('hex');
const KEYED = { AUDIT_JOURNAL_KEY: `${randomBytes(32).toString('hex')},${KEY}` };

describe('an encrypted trail', () => {
  let folder: ServiceFolder;
  let trail: string;
  before(async () => {
    folder = createServiceFolder({ 'server.js': SERVER });
    trail = path.join(folder.directory, 'audit-log');
    writeFileSync(path.join(folder.directory, 'public.txt'), `${signingKey().publicKey}\n`);
    const service = await folder.start({
      entry: 'server.js',
      env: { AUDIT_JOURNAL_KEY: KEY, AUDIT_SIGNING_KEY: Buffer.alloc(32, 7).toString('base64') },
    });
    for (let n = 0; n < 3; n += 1) await send(`${service.url}/orders/${n}`);
    await service.end();
  });
  after(() => folder.remove());

  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): CommandResult =>
    runCommand(args, env, folder.directory);
  const segments = (): readonly string[] =>
    readdirSync(trail, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.jsonl/.test(name))
      .map((name) => path.join(trail, name));

  it('is read, proved and verified with its key, wherever that stands among others', () => {
    const { stdout, stderr } = run(['query', trail, '--kind', 'http', '--format', 'json'], KEYED);
    const [newest] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly id: string });
    assert.equal(stdout.trim().split('\n').length, 3, stderr);
    assert.match(run(['show', newest?.id ?? '', trail], KEYED).stdout, /\/orders\/2/);
    assert.match(run(['inventory', '--dir', trail], KEYED).stdout, /\/orders\//);
    const proof = run(['prove', newest?.id ?? '', trail], KEYED);
    assert.equal(proof.status, 0, proof.stderr);
    const verified = run(['verify', trail, '--keys', 'public.txt', '--require-signed'], KEYED);
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  });

  it('is neither called empty nor tampered with where the key is missing', () => {
    const query = run(['query', trail]);
    assert.equal(query.status, 1);
    assert.match(query.stderr, /encrypted.*AUDIT_JOURNAL_KEY/);
    const verify = run(['verify', trail]);
    assert.equal(verify.status, 2);
    assert.match(verify.stderr, /encrypted.*AUDIT_JOURNAL_KEY/);
  });

  it('is read also when its segments are compressed, and once while they are being compressed', () => {
    const [segment = ''] = segments();
    writeFileSync(`${segment}.gz`, gzipSync(readFileSync(segment)));
    assert.equal(run(['verify', trail], KEYED).status, 0);
    const plain = readFileSync(segment);
    rmSync(segment);
    assert.equal(run(['verify', trail, '--keys', 'public.txt', '--require-signed'], KEYED).status, 0);
    writeFileSync(segment, plain);
    rmSync(`${segment}.gz`);
  });

  it('shows an altered line as tampering', () => {
    const [segment = ''] = segments();
    const whole = readFileSync(segment, 'utf8');
    writeFileSync(
      segment,
      whole.replace(/(?<="data":"[^"]{40})./, (character) => (character === 'A' ? 'B' : 'A')),
    );
    const verify = run(['verify', trail], KEYED);
    assert.equal(verify.status, 1);
    assert.match(verify.stdout, /MODIFIED/);
    writeFileSync(segment, whole);
  });
});
