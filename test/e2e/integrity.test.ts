import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CheckpointCopy } from '../../src/integrity/checkpointer.js';
import type { InclusionProof } from '../../src/integrity/proof.js';
import type { Verification } from '../../src/integrity/verify.js';
import { send } from '../support/audited-server.js';
import { runCommand } from '../support/command.js';
import { createServiceFolder, ROOT, type ServiceFolder } from '../support/service.js';
import { signingKey } from '../support/signed-trail.js';

const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => request.resume().on('end', () => response.end('ok')));
server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
process.on('SIGTERM', () => { server.close(); server.closeAllConnections(); });
`;
const SEED = Buffer.alloc(32, 7).toString('base64');

describe('the proof of a trail', () => {
  let folder: ServiceFolder;
  let trail: string;
  const received: CheckpointCopy[] = [];
  const witness = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push(JSON.parse(body) as CheckpointCopy);
      response.end();
    });
  });
  before(async () => {
    witness.listen(0, '127.0.0.1');
    await once(witness, 'listening');
    const { port } = witness.address() as { readonly port: number };
    folder = createServiceFolder({ 'server.js': SERVER });
    trail = path.join(folder.directory, 'audit-log');
    writeFileSync(path.join(folder.directory, 'public.txt'), `${signingKey().publicKey}\n`);
    const service = await folder.start({
      entry: 'server.js',
      env: {
        AUDIT_SIGNING_KEY: SEED,
        AUDIT_CHECKPOINT_URL: `http://127.0.0.1:${port}/witness`,
        AUDIT_CHECKPOINT_FILE: 'kept/checkpoints.ndjson',
      },
    });
    for (let n = 0; n < 9; n += 1) await send(`${service.url}/orders/${n}`);
    await service.end();
  });
  after(() => {
    folder.remove();
    witness.close();
    witness.closeAllConnections();
  });

  const keys = (): readonly string[] => ['--keys', path.join(folder.directory, 'public.txt'), '--grace', '0s'];
  const verify = (...more: readonly string[]): { readonly status: number | null; readonly report: Verification } => {
    const { status, stdout } = runCommand(['verify', trail, '--json', ...keys(), ...more]);
    return { status, report: JSON.parse(stdout) as Verification };
  };
  const copiesFile = (): string => path.join(folder.directory, 'kept/checkpoints.ndjson');

  it('is whole and signed from start to stop when nobody touched it, checked by the command line', () => {
    const { status, report } = verify('--require-signed', '--checkpoints', copiesFile());
    assert.equal(status, 0, JSON.stringify(report));
    assert.deepEqual([report.findings, report.unproven], [[], []]);
    assert.equal(report.signed, report.records);
  });

  it('says on standard error how far it is, where that is wanted', () => {
    const { stdout, stderr } = runCommand(['verify', trail, '--progress', '--json', ...keys()]);
    assert.match(stderr, new RegExp(`(^|\\r)${(JSON.parse(stdout) as Verification).records} records, \\d+ a second\\n$`));
    assert.equal(runCommand(['verify', trail, '--json', ...keys()]).stderr, '');
  });

  it('is kept in the stream, in a file and at an address', () => {
    const copies = readFileSync(copiesFile(), 'utf8').trim().split('\n');
    const inTrail = folder.lifecycle().filter(({ action }) => action === 'audit.checkpoint');
    assert.equal(copies.length, inTrail.length);
    assert.ok(inTrail.length >= 2);
    assert.deepEqual(
      received.map(({ signature }) => signature),
      inTrail.map(({ metadata }) => metadata?.['signature']),
    );
  });

  it('does not hold without the key, nor with another one', () => {
    const { status } = runCommand(['verify', trail, '--require-signed']);
    assert.equal(status, 1);
    const other = path.join(folder.directory, 'other.txt');
    writeFileSync(other, `${signingKey('09').publicKey}\n`);
    const strange = runCommand(['verify', trail, '--keys', other]);
    assert.equal(strange.status, 1);
    assert.match(strange.stdout, /FOREIGN .* which is not among the keys given/);
  });

  it('says that it could not check what is no trail at all, and names what was a trail until somebody wrote over it', () => {
    const other = path.join(folder.directory, 'other');
    mkdirSync(other);
    for (const [name, content] of [
      ['empty.jsonl', ''],
      ['some.jsonl', '{"level":30,"msg":"hello"}\n{"level":30,"msg":"again"}\n'],
      ['some.json', '[{"name":"a"}]\n'],
      ['noise.jsonl', 'not\njson\n'],
    ] as const) {
      writeFileSync(path.join(other, name), content);
      const { status, stderr } = runCommand(['verify', path.join(other, name), ...keys()]);
      assert.equal(status, 2, name);
      assert.match(stderr, /holds no record and no checkpoint/);
      if (name.endsWith('noise.jsonl'))
        assert.equal(runCommand(['verify', path.join(other, name), '--checkpoints', copiesFile(), ...keys()]).status, 1);
    }
    assert.equal(runCommand(['verify', other, ...keys()]).status, 2);
  });

  it('says that it could not check what is not there', () => {
    for (const place of ['/nowhere/at/all', 'postgres://nobody@127.0.0.1:1/none']) {
      const { status, stderr } = runCommand(['verify', place]);
      assert.equal(status, 2);
      assert.match(stderr, /could not check/);
    }
    assert.equal(runCommand(['verify', trail, '--no-such-flag']).status, 2);
    assert.equal(runCommand(['verify', trail, '--since', 'whenever']).status, 2);
  });

  it('is broken by a changed, a torn out, an exchanged and a foreign line, each named', () => {
    const segment = path.join(trail, String(readdirSync(trail).find((name) => /^[0-9a-f-]{36}$/.test(name))), '00000001.jsonl');
    const whole = readFileSync(segment, 'utf8');
    const lines = whole.trimEnd().split('\n');
    const alterations: readonly (readonly [string, readonly string[]])[] = [
      ['modified', lines.with(4, String(lines[4]).replace('success', 'failure'))],
      ['missing', lines.toSpliced(4, 1)],
      ['missing', lines.slice(0, -2)],
      ['reordered', lines.with(4, String(lines[5])).with(5, String(lines[4]))],
      ['replayed', lines.toSpliced(5, 0, String(lines[4]))],
      ['modified', lines.with(4, 'hello')],
    ];
    try {
      for (const [kind, altered] of alterations) {
        writeFileSync(segment, `${altered.join('\n')}\n`);
        const { status, report } = verify('--checkpoints', copiesFile());
        assert.equal(status, 1, kind);
        assert.ok(
          report.findings.some((finding) => finding.kind === kind),
          `${kind}: ${JSON.stringify(report.findings)}`,
        );
      }
    } finally {
      writeFileSync(segment, whole);
    }
  });

  it('is checked against the copies that can be read, where some were broken', () => {
    const file = path.join(folder.directory, 'broken.ndjson');
    writeFileSync(file, `{"stream":\n${readFileSync(copiesFile(), 'utf8')}`);
    const { status, report } = verify('--checkpoints', file);
    assert.equal(status, 1);
    assert.deepEqual(
      report.findings.map(({ kind, detail }) => [kind, detail]),
      [['modified', 'a checkpoint is not of the form it must have']],
    );
  });

  it('survives an export, and is checked again from it', () => {
    const file = path.join(folder.directory, 'export.jsonl');
    assert.equal(runCommand(['export', trail, '--out', file]).status, 0);
    const { status, stdout } = runCommand(['verify', file, '--whole', '--require-signed', ...keys()]);
    assert.equal(status, 0, stdout);
    // Part of it is no contradiction, unless it is said to be all.
    const part = path.join(folder.directory, 'part.jsonl');
    writeFileSync(part, `${readFileSync(file, 'utf8').split('\n').slice(3, 8).join('\n')}\n`);
    assert.equal(runCommand(['verify', part, ...keys()]).status, 0);
    assert.equal(runCommand(['verify', part, '--whole', ...keys()]).status, 1);
  });

  it('looks at what was observed since a time only', () => {
    const { status, report } = verify('--since', '2099-01-01');
    assert.deepEqual([status, report.records], [0, 0]);
    assert.equal(verify('--since', '1h').report.records, folder.records().length + folder.lifecycle().length);
  });

  describe('of one record', () => {
    const checkers: readonly (readonly [string, string])[] = [
      [process.execPath, 'check-proof.js'],
      ...(spawnSync('python3', ['-c', '']).status === 0 ? [['python3', 'check_proof.py'] as const] : []),
    ];

    for (const [interpreter, script] of checkers) {
      it(`is checked by ${script}, which knows nothing of this package`, () => {
        for (const [index, record] of [folder.records()[4], folder.lifecycle()[0]].entries()) {
          const file = path.join(folder.directory, `${script}.${index}.json`);
          assert.equal(runCommand(['prove', record?.id ?? '', trail, '--out', file]).status, 0);
          const check = (proof: object, key = signingKey().publicKey): { readonly status: number | null; readonly stdout: string } => {
            writeFileSync(file, JSON.stringify(proof));
            return spawnSync(interpreter, [path.join(ROOT, 'samples/proof', script), file, key], { encoding: 'utf8' });
          };
          const proof = JSON.parse(readFileSync(file, 'utf8')) as InclusionProof;
          const { status, stdout } = check(proof);
          assert.equal(status, 0);
          assert.ok(stdout.includes(record?.id ?? '?'));
          if (index > 0) continue;
          const { tips, ...rest } = JSON.parse(proof.checkpoint) as { readonly tips: readonly object[] };
          for (const forged of [
            { ...proof, record: proof.record.replace('success', 'failure') },
            { ...proof, hash: '00'.repeat(32) },
            { ...proof, path: proof.path.slice(1) },
            { ...proof, checkpoint: JSON.stringify({ ...rest, seq: 99, tips }) },
            { ...proof, signature: Buffer.alloc(64, 1).toString('base64') },
          ])
            assert.notEqual(check(forged).status, 0);
          assert.notEqual(check(proof, signingKey('09').publicKey).status, 0);
        }
      });
    }

    it('is refused where there is no such record', () => {
      const { status, stderr } = runCommand(['prove', '00000000-0000-7000-8000-000000000000', trail]);
      assert.equal(status, 1);
      assert.match(stderr, /cannot be proved: it is not in/);
    });
  });

  it('shows that a process was killed, and vouches for the streams beside it', async () => {
    const killed = await folder.start({ entry: 'server.js', env: { AUDIT_SIGNING_KEY: SEED } });
    await send(`${killed.url}/orders/1`);
    await killed.end('SIGKILL');
    const next = await folder.start({ entry: 'server.js', env: { AUDIT_SIGNING_KEY: SEED } });
    await send(`${next.url}/orders/2`);
    await next.end();
    const { status, report } = verify();
    assert.equal(status, 0, JSON.stringify(report.findings));
    assert.deepEqual([...new Set(report.unproven.map(({ kind }) => kind))], ['open']);
    // Now without the stream of the one that was killed, its checkpoints, and the copy of them.
    const [, lost] = readdirSync(trail)
      .filter((name) => /^[0-9a-f-]{36}$/.test(name))
      .sort();
    rmSync(path.join(trail, String(lost)), { recursive: true });
    rmSync(path.join(trail, 'checkpoints.ndjson'));
    const without = verify();
    assert.equal(without.status, 1);
    assert.deepEqual(
      without.report.findings.map(({ kind, stream }) => [kind, stream]),
      [['missing', lost]],
    );
  });

  it('names keys that are made, endorsed and retired by the command line', () => {
    const at = (name: string): string => path.join(folder.directory, name);
    const ledger = at('keys.jsonl');
    const run = (...args: readonly string[]): number | null => runCommand(['keys', ...args]).status;
    assert.equal(run('new', at('one.pem'), '--ledger', ledger), 0);
    // Nobody adds a key to a ledger but with one that is in it.
    assert.equal(run('new', at('two.pem'), '--ledger', ledger), 1);
    assert.equal(existsSync(at('two.pem')), false);
    assert.equal(run('new', at('two.pem'), '--ledger', ledger, '--endorse', at('one.pem')), 0);
    const first = JSON.parse(readFileSync(ledger, 'utf8').split('\n')[0] ?? '') as { readonly keyId: string };
    assert.equal(run('retire', first.keyId, '--ledger', ledger, '--endorse', at('two.pem')), 0);
    assert.equal(runCommand(['keys', 'list', ledger]).stdout.trim().split('\n').length, 3);
    appendFileSync(ledger, readFileSync(ledger, 'utf8').split('\n')[0] ?? '');
    assert.equal(run('list', ledger), 1);
  });

  it('holds over a rotation of keys, and does not believe a key after it was retired', async () => {
    const at = (name: string): string => path.join(folder.directory, name);
    const rotated = at('rotated');
    const ledger = at('rotation.jsonl');
    const record = async (key: string): Promise<void> => {
      const service = await folder.start({ entry: 'server.js', env: { AUDIT_SIGNING_KEY_FILE: at(key), AUDIT_FILE_DIR: rotated } });
      await send(`${service.url}/orders/1`);
      await service.end();
    };
    const verified = () => runCommand(['verify', rotated, '--keys', ledger, '--require-signed', '--grace', '0s']);
    runCommand(['keys', 'new', at('old.pem'), '--ledger', ledger]);
    await record('old.pem');
    runCommand(['keys', 'new', at('next.pem'), '--ledger', ledger, '--endorse', at('old.pem')]);
    await record('next.pem');
    const old = JSON.parse(readFileSync(ledger, 'utf8').split('\n')[0] ?? '') as { readonly keyId: string };
    assert.equal(runCommand(['keys', 'retire', old.keyId, '--ledger', ledger, '--endorse', at('next.pem')]).status, 0);
    const { status, stdout } = verified();
    assert.equal(status, 0, stdout);
    await record('old.pem');
    assert.equal(verified().status, 1);
    assert.match(verified().stdout, /FOREIGN .* which was not valid then/);
  });
});
