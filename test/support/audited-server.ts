/** A real server in this process, tapped by a real pipeline whose records end in an array instead of a journal. */

import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { createFrameworkSearch } from '../../src/capture/framework-search.js';
import { followRouteChannels } from '../../src/capture/route.js';
import { installTap } from '../../src/capture/tap.js';
import { loadConfig } from '../../src/config.js';
import { publishPipeline } from '../../src/live.js';
import { createPipeline, type PipelineParts } from '../../src/pipeline.js';
import type { AuditRecord } from '../../src/record.js';
import { createPrivateLogger } from '../../src/telemetry/private-logger.js';

/** Taps the process: once a test file, which is a process of its own. */
export function auditThisProcess(settings: Readonly<Record<string, unknown>> = {}, parts: Partial<PipelineParts> = {}) {
  const records: AuditRecord[] = [];
  const warnings: string[] = [];
  const waiting = new Map<number, (record: AuditRecord) => void>();
  const config = loadConfig({ env: {}, directory: process.cwd(), overrides: { SERVICE_NAME: 'test-service', ...settings } });
  const pipeline = createPipeline(config, {
    service: { name: 'test-service', instanceId: 'test-instance' },
    spanBodies: true,
    emitLog: createPrivateLogger(),
    activeSpan: () => undefined,
    warn: (message) => warnings.push(message),
    createSink: (counters) => ({
      append(record) {
        counters.pending -= 1;
        counters.journalled += 1;
        records.push(record);
        waiting.get(records.length)?.(record);
      },
      sync: async () => true,
      closeSync: () => {},
      flush: async () => {},
      health: () => ({}),
      journal: () => undefined,
      shutdown: async () => {},
    }),
    ...parts,
  });
  publishPipeline(pipeline);
  const currentRequest = (): object | undefined => pipeline.capture.current()?.request;
  const frameworks = createFrameworkSearch({ modules: require.cache, directory: __dirname, currentRequest });
  installTap({
    capture: pipeline.capture,
    echoHeader: config.capture.echoRequestId ? config.capture.requestIdHeader : undefined,
    onHandler: pipeline.enterHandler,
    onListening: frameworks.search,
    onError: (error) => warnings.push(String(error)),
  });
  followRouteChannels();
  const record = async (n: number): Promise<AuditRecord> =>
    records[n - 1] ?? (await new Promise<AuditRecord>((resolve) => waiting.set(n, resolve)));
  return { pipeline, records, warnings, record };
}

export async function listen(server: http.Server): Promise<{ url: string; port: number; close(): Promise<void> }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A connection that says what it has received. */
export async function connect(port: number): Promise<{ readonly socket: net.Socket; text(): string }> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return { socket, text: () => text };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** One request on a connection of its own. */
export async function send(url: string, options: http.RequestOptions = {}, body?: string | Buffer): Promise<Answer> {
  const request = http.request(url, { agent: false, signal: AbortSignal.timeout(20_000), ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks).toString(),
  };
}
