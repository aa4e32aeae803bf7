/**
 * Makes every attempt to reach anything but loopback fail, and the test process fail with it, however well the caller
 * hides the error. Import it first in a test, or preload it: `node --require dist/test/support/network-guard.js`.
 *
 * Child processes and worker threads get it as well and report to the process that loaded it first. Not seen: a child
 * that is no Node process, and one started by `spawnSync` with an `env` of its own.
 *
 * `NETWORK_GUARD_EXPECTED` lists hosts that a third party cannot be kept from asking: refused like any other, not held against the test.
 */

import { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import workers from 'node:worker_threads';

const LOG_VARIABLE = 'NETWORK_GUARD_LOG';
const INSTALLED = Symbol.for('otel-audit.test.network-guard');

/** The address or name, in brackets or not, belongs to this machine. */
function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (name === '' || name === 'localhost' || name.endsWith('.localhost') || name === '::1' || name === '::' || name === '0.0.0.0')
    return true;
  const ipv4 = name.startsWith('::ffff:') ? name.slice(7) : name;
  return net.isIPv4(ipv4) && ipv4.startsWith('127.');
}

/** What was attempted so far by this process, its children and its threads; one line each. */
export function networkViolations(): readonly string[] {
  return existsSync(logFile()) ? readFileSync(logFile(), 'utf8').split('\n').filter(Boolean) : [];
}

function install(): void {
  if ((globalThis as Record<symbol, unknown>)[INSTALLED] !== undefined) return;
  (globalThis as Record<symbol, unknown>)[INSTALLED] = true;
  if (process.env[LOG_VARIABLE] === undefined) own();
  guardSockets();
  guardNames();
  guardDatagrams();
  guardChildren();
  guardWorkers();
  syncBuiltinESMExports();
}

/** The first process: it answers for all. The log is made by the first violation, so that a killed process leaves none. */
function own(): void {
  process.env[LOG_VARIABLE] = join(tmpdir(), `network-guard-${randomUUID()}.log`);
  process.on('exit', () => {
    const violations = networkViolations();
    if (violations.length === 0) return;
    rmSync(logFile(), { force: true });
    process.exitCode = 1;
    process.stderr.write(`network guard: attempts to leave loopback:\n${violations.map((line) => `  ${line}\n`).join('')}`);
  });
}

function guardSockets(): void {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function guarded(this: net.Socket, ...args: unknown[]): net.Socket {
    const host = hostOf(args);
    if (isLoopback(host)) return Reflect.apply(connect, this, args) as net.Socket;
    const error = violation('connect', host);
    process.nextTick(() => this.destroy(error));
    return this;
  };
}

/** The host of `connect(options)`, `connect(port, host)`, `connect(path)` or the array Node passes itself. */
function hostOf(args: readonly unknown[]): string {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const options = first as { readonly path?: unknown; readonly host?: unknown };
    return typeof options.path === 'string' ? '' : String(options.host ?? '');
  }
  return typeof second === 'string' ? second : '';
}

function guardNames(): void {
  const lookup = dns.lookup as (...args: unknown[]) => void;
  const guarded = (host: unknown, ...rest: unknown[]): void => {
    if (isLoopback(String(host ?? ''))) {
      lookup(host, ...rest);
      return;
    }
    const error = violation('lookup', String(host));
    const callback = rest.at(-1);
    if (typeof callback === 'function') process.nextTick(() => callback(error));
  };
  Object.assign(dns, { lookup: guarded });
  const lookupPromise = dns.promises.lookup as (...args: unknown[]) => Promise<unknown>;
  const guardedPromise = async (host: unknown, ...rest: unknown[]): Promise<unknown> => {
    if (isLoopback(String(host ?? ''))) return lookupPromise(host, ...rest);
    throw violation('lookup', String(host));
  };
  Object.assign(dns.promises, { lookup: guardedPromise });
  for (const place of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) guardResolver(place);
}

/** Everything that asks a name server itself. */
function guardResolver(place: object): void {
  for (const name of Object.getOwnPropertyNames(place).filter((property) => /^(resolve|reverse)/.test(property))) {
    const value = (host: unknown): never => {
      throw violation(name, String(host));
    };
    Object.defineProperty(place, name, { configurable: true, writable: true, value });
  }
}

function guardDatagrams(): void {
  const prototype = dgram.Socket.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ['send', 'connect']) {
    const original = prototype[name];
    if (original === undefined) continue;
    prototype[name] = function guarded(this: unknown, ...args: unknown[]): unknown {
      const address = args.find((argument, index) => index > 0 && typeof argument === 'string');
      if (typeof address !== 'string' || isLoopback(address)) return Reflect.apply(original, this, args);
      throw violation(`datagram ${name}`, address);
    };
  }
}

function guardChildren(): void {
  const prototype = ChildProcess.prototype as unknown as { spawn(options: { envPairs?: string[] }): unknown };
  const { spawn } = prototype;
  prototype.spawn = function guarded(options): unknown {
    const pairs = options.envPairs ?? [];
    const given = pairs.find((pair) => pair.startsWith('NODE_OPTIONS='))?.slice('NODE_OPTIONS='.length) ?? '';
    const others = pairs.filter((pair) => !pair.startsWith('NODE_OPTIONS=') && !pair.startsWith(`${LOG_VARIABLE}=`));
    const nodeOptions = given.includes(__filename) ? given : `--require ${JSON.stringify(__filename)} ${given}`.trimEnd();
    const envPairs = [...others, `NODE_OPTIONS=${nodeOptions}`, `${LOG_VARIABLE}=${logFile()}`];
    return Reflect.apply(spawn, this, [{ ...options, envPairs }]);
  };
}

function guardWorkers(): void {
  const { Worker } = workers;
  class GuardedWorker extends Worker {
    constructor(file: string | URL, options: workers.WorkerOptions = {}) {
      const execArgv = ['--require', __filename, ...(options.execArgv ?? process.execArgv)];
      const env = typeof options.env === 'object' ? { ...options.env, [LOG_VARIABLE]: logFile() } : options.env;
      super(file, { ...options, execArgv, ...(env === undefined ? {} : { env }) });
    }
  }
  Object.defineProperty(GuardedWorker, 'name', { value: 'Worker' });
  Object.assign(workers, { Worker: GuardedWorker });
}

function violation(what: string, host: string): Error {
  const refusal = Object.assign(new Error(`network guard: ${what} ${host} is not loopback`), { code: 'ERR_NETWORK_GUARD' });
  if (process.env['NETWORK_GUARD_EXPECTED']?.split(',').includes(host) === true) return refusal;
  const stack = (new Error().stack ?? '').split('\n').filter((line) => line.includes(' at ') && !line.includes(__filename));
  appendFileSync(logFile(), `${what} ${host} (pid ${process.pid}${workers.isMainThread ? '' : ', worker'}) ${stack[0]?.trim() ?? ''}\n`);
  return refusal;
}

function logFile(): string {
  return process.env[LOG_VARIABLE] ?? '';
}

install();
