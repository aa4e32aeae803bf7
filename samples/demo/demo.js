// npm run demo [-- --exporter postgres|azure|file] [--keep]
// Starts a sink, starts samples/express-orders with one flag, sends real requests, and shows the trail they left.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { sendTraffic } = require('./traffic.js');
const show = require('./show.js');
const sinks = require('./sinks.js');

const ROOT = path.join(__dirname, '../..');
const SERVICE = path.join(ROOT, 'samples/express-orders/server.js');

const options = readOptions();
if (typeof options === 'string') {
  console.error(options);
  process.exitCode = 2;
} else {
  main(options).catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}

/** Answers what is wrong with them, if something is. */
function readOptions() {
  const known = `the demo has a sink for ${Object.keys(sinks).join(', ')}: npm run demo -- --exporter ${Object.keys(sinks)[0]} [--keep]`;
  try {
    const { values } = parseArgs({
      options: { exporter: { type: 'string', default: 'postgres' }, keep: { type: 'boolean', default: false } },
    });
    return Object.hasOwn(sinks, values.exporter) ? values : `--exporter ${values.exporter}: ${known}`;
  } catch (error) {
    return `${error.message}\n${known}`;
  }
}

async function main({ exporter, keep: keeps }) {
  const openSink = sinks[exporter];
  const directory = mkdtempSync(path.join(tmpdir(), 'otel-audit-demo-'));
  const sink = await openSink(directory);
  const service = await startService(sink.env, directory);
  try {
    show.heading('1. One flag, no change to the service');
    show.command(sink.env, 'node --require otel-audit/register samples/express-orders/server.js');
    const { sent, showcase } = await sendTraffic(service.url);
    if (keeps) await keep(service, sink);
    const health = await service.stop();
    const records = await sink.records();
    show.heading(`2. The trail, read back from ${sink.name}`);
    show.trail(records);
    show.heading('3. One request in full: what the client sent in secret is not there');
    show.record(records.find((record) => record.request?.id === showcase));
    show.heading('4. Nothing is lost from sight');
    show.counters(sent, records, health);
    show.heading('5. Where to look next');
    console.log(sink.next);
  } finally {
    await service.kill();
    await sink.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startService(env, directory) {
  const countersFile = path.join(directory, 'counters.json');
  const preloads = ['--require', path.join(ROOT, 'dist/src/register.js'), '--require', path.join(__dirname, 'counters.js')];
  const child = spawn(process.execPath, [...preloads, SERVICE], {
    env: { ...process.env, AUDIT_JOURNAL_DIR: '', ...env, PORT: '0', DEMO_COUNTERS_FILE: countersFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const url = await Promise.race([
    announcedUrl(child.stdout),
    exited.then(([code]) => Promise.reject(new Error(`the service ended with ${code}`))),
  ]);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      return JSON.parse(readFileSync(countersFile, 'utf8'));
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function announcedUrl(stdout) {
  let text = '';
  for await (const chunk of stdout) {
    text += chunk;
    const [url] = /http:\/\/\S+/.exec(text) ?? [];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error('the service said no address');
}

async function keep(service, sink) {
  console.log(`\nThe service listens on ${service.url}, the sink is ${sink.where}. Press Ctrl+C to see the trail and stop.`);
  await once(process, 'SIGINT');
}
