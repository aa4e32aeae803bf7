// Both containers of compose.yaml as two processes on one folder: the service records, the sidecar delivers, status tells.
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const CLI = path.join(path.dirname(require.resolve('otel-audit/package.json')), 'dist/src/cli/main.js');
const JOURNAL = path.join(__dirname, 'journal');
const REQUESTS = 20;

async function main() {
  const service = spawn(process.execPath, ['--require', 'otel-audit/register', 'server.js'], {
    cwd: __dirname,
    // No credentials: the service never talks to a sink.
    env: { ...withoutSinks(process.env), AUDIT_WORKER: 'external', AUDIT_JOURNAL_DIR: JOURNAL },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(service.stdout.setEncoding('utf8'), 'data');
  const url = line.trim().split(' ').at(-1);

  const sidecar = spawn(process.execPath, [CLI, 'deliver', '--journal', JOURNAL], {
    cwd: __dirname,
    env: process.env.AUDIT_POSTGRES_URL ? process.env : { ...process.env, AUDIT_EXPORTER: 'console' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });

  for (let n = 0; n < REQUESTS; n += 1) await (await fetch(`${url}/api/orders`, { method: 'POST', body: '{"item":"teapot"}' })).text();
  await delivered();
  process.stdout.write(execFileSync(process.execPath, [CLI, 'status', '--journal', JOURNAL], { encoding: 'utf8' }));

  // As a pod ends: the service first, then the sidecar, which delivers what is left.
  service.kill('SIGTERM');
  await once(service, 'exit');
  sidecar.kill('SIGTERM');
  const [code] = await once(sidecar, 'exit');
  process.exitCode = code;
}

/** Until nothing waits any more; a minute at most. */
async function delivered() {
  for (let n = 0; n < 120; n += 1) {
    const status = JSON.parse(execFileSync(process.execPath, [CLI, 'status', '--journal', JOURNAL, '--json'], { encoding: 'utf8' }));
    const counts = status.streams.filter((stream) => stream.isExternal).flatMap((stream) => Object.values(stream.exporters));
    if (counts.some(({ journalled }) => journalled > REQUESTS) && counts.every(({ undelivered }) => undelivered === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('the records have not been delivered within a minute');
}

function withoutSinks(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^AUDIT_(?:POSTGRES|CONTROL_DB|AZURE)/.test(name)));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
