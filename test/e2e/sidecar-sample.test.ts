import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createSampleFolder, ROOT } from '../support/service.js';

test('the sidecar sample delivers what the service recorded, and says so', { timeout: 300_000 }, async (t) => {
  const folder = createSampleFolder('sidecar');
  t.after(() => folder.remove());
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:AUDIT_|NODE_TEST|NODE_OPTIONS)/.test(name));
  const run = spawn(process.execPath, ['run.js'], {
    cwd: folder.directory,
    env: Object.fromEntries(inherited),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [run.stdout, run.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(run, 'close')) as [number | null];
  assert.equal(code, 0, output);
  const ids = [...output.matchAll(/"action":"order\.created".*?"id":"[^"]+"/g)];
  assert.equal(ids.length, 20, output);
  assert.match(output, /console: journalled 21 = delivered 21 \+ undelivered 0 \+ dead-lettered 0/);
  assert.match(output, /console: delivered \d+, left in the journal 0, dead letters 0/);
});

test('the manifests give both containers one volume, one journal and one user', () => {
  const read = (file: string): unknown => parse(readFileSync(join(ROOT, 'samples/sidecar', file), 'utf8'));
  const { services } = read('compose.yaml') as Compose;
  const { orders, audit } = services;
  assert.equal(orders.user, audit.user);
  const journal = orders.environment['AUDIT_JOURNAL_DIR'] ?? '';
  assert.equal(orders.environment['AUDIT_WORKER'], 'external');
  assert.ok(audit.command.endsWith(`otel-audit deliver --journal ${journal}`));
  for (const { volumes } of [orders, audit]) assert.ok(volumes.some((volume) => journal.startsWith(`${volume.split(':')[1]}/`)));
  const { initContainers, containers, volumes } = (read('kubernetes.yaml') as Deployment).spec.template.spec;
  const [[sidecar], [service]] = [initContainers, containers];
  assert.equal(sidecar.restartPolicy, 'Always');
  const place = service.env.find(({ name }) => name === 'AUDIT_JOURNAL_DIR')?.value ?? '';
  assert.equal(service.env.find(({ name }) => name === 'AUDIT_WORKER')?.value, 'external');
  assert.deepEqual(sidecar.command.slice(1), ['otel-audit', 'deliver', '--journal', place]);
  assert.deepEqual(sidecar.volumeMounts, service.volumeMounts);
  assert.ok(place.startsWith(`${service.volumeMounts[0].mountPath}/`));
  assert.deepEqual(
    volumes.map(({ name }) => name),
    [service.volumeMounts[0].name],
  );
});

interface Compose {
  readonly services: Readonly<Record<'orders' | 'audit', ComposeService>>;
}

interface ComposeService {
  readonly user: string;
  readonly command: string;
  readonly volumes: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly initContainers: readonly [Container];
        readonly containers: readonly [Container];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

interface Container {
  readonly restartPolicy?: string;
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts: readonly [{ readonly name: string; readonly mountPath: string }];
}
