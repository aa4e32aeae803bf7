/** Plays a scenario against a server over a bare connection, and says all that client and handler could see. */

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { Protocol, Scenario } from './differential-plan.js';
import type { Report, ReportRequest } from './differential-server.js';
import type { Service } from './service.js';

export interface Observation {
  /** Everything that came, HTTP/1 as it came. Undefined where one side left early: how much came over by then is chance. */
  readonly received: string | undefined;
  readonly events: readonly string[];
  readonly rejected: readonly string[];
}

/** No answer takes this long: a connection still open then is an outcome of its own. */
export const PATIENCE_MS = 1500;

export async function play(service: Service, protocol: Protocol, scenario: Scenario): Promise<Observation> {
  const socket = await connect(Number(new URL(service.url).port), protocol);
  const port = socket.localPort ?? 0;
  const received = await exchange(socket, scenario);
  const { events, rejected } = await reportOf(service, { path: `/s/${scenario.id}`, port });
  // A server that closes with unread input resets the connection: how much of its answer survives that is chance.
  const isCut = received === 'reset' || events.some((event) => event.endsWith('complete=false'));
  // An echo's chunks are as long as what the network happened to bring.
  const text = scenario.summary.includes('"consume":"echo"') ? received?.replace(/\r\n[0-9a-f]+\r\n/g, '') : received;
  return { received: isCut ? undefined : text, events, rejected };
}

async function connect(port: number, protocol: Protocol): Promise<net.Socket> {
  if (protocol === 'http') {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  return socket;
}

async function exchange(
  socket: net.Socket,
  { bytes, abortAfterSent, abortAfterReceived, halfClose }: Scenario,
): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let count = 0;
  let end = 'closed';
  socket.on('error', () => {
    end = 'reset';
  });
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    count += chunk.length;
    if (abortAfterReceived !== undefined && count >= abortAfterReceived) socket.destroy();
  });
  socket.setTimeout(PATIENCE_MS, () => {
    end = 'open';
    socket.destroy();
  });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const all = Buffer.concat(bytes);
  if (abortAfterSent !== undefined) socket.write(all.subarray(0, Math.ceil(all.length * abortAfterSent)), () => socket.destroy());
  else {
    for (const part of bytes) if (part.length > 0) socket.write(part);
    if (halfClose) socket.end();
  }
  await closed;
  if (abortAfterSent !== undefined || abortAfterReceived !== undefined) return undefined;
  if (end === 'reset') return end;
  return `${normalised(Buffer.concat(chunks).toString('latin1'))}[${end}]`;
}

/** Without the date and the request id that the preload adds: a UUID where the service set none and the client's was not sane. */
function normalised(text: string): string {
  return text.replace(/^Date: .*\r\n/gim, '').replace(/^x-request-id: (?:[0-9a-f]{8}-[0-9a-f-]{27}|client-1)\r\n/gm, '');
}

export async function reportOf(service: Service, wanted: ReportRequest): Promise<Report> {
  return await new Promise((resolve) => {
    const onMessage = (message: unknown): void => {
      const report = message as Report;
      if (report.path !== wanted.path) return;
      service.process.off('message', onMessage);
      resolve(report);
    };
    service.process.on('message', onMessage);
    service.process.send(wanted);
  });
}
