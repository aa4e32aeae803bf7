/** Sends log records through the SDK and tells what truly became of them: the SDK's own result says success for lost data. */

import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { type Answer, failureOf } from '../../answer.js';
import { post } from '../../post.js';
import type { AzureConnection } from '../connection-string.js';
import type { AuditItem } from '../envelope/item.js';
import { placed, withProperties } from './placeholder.js';
import { createSdkExporter, type SdkCredential, type SdkHttpClient, type Signal } from './sdk.js';

export interface Transport {
  /** One request with all of `items`, in order. Never rejects, and must not be called before the last call has settled. */
  send(items: readonly AuditItem[], signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

interface TransportOptions {
  readonly signal: Signal;
  readonly connection: AzureConnection;
  readonly credential?: SdkCredential | undefined;
  readonly gzip: boolean;
  readonly requestTimeoutMs: number;
}

/** The one request in flight; the SDK hands nothing through by which an answer could be told apart. */
interface Flight {
  readonly items: readonly AuditItem[];
  readonly signal: AbortSignal;
  answer?: Answer;
}

type SdkRequest = Parameters<SdkHttpClient['sendRequest']>[0];
type SdkResponse = Awaited<ReturnType<SdkHttpClient['sendRequest']>>;

export function createTransport({ signal: kind, connection, credential, gzip: compress, requestTimeoutMs }: TransportOptions): Transport {
  const agent = connection.insecure ? new Agent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  let flight: Flight = { items: [], signal: AbortSignal.abort() };

  const httpClient: SdkHttpClient = {
    async sendRequest(request) {
      const mine = flight;
      const proxied = connection.insecure ? undefined : (request.agent as Agent | undefined);
      const text = withProperties(await textOf(request.body), mine.items);
      if (text === undefined) {
        mine.answer = { kind: 'unsent', reason: 'not an envelope an item' };
        return soothing(request);
      }
      const { headers, body } = await encode(request, text, compress);
      mine.answer = await post(request.url, { headers, body, agent: proxied ?? agent, signal: mine.signal });
      return soothing(request);
    },
  };
  const honest = credential === undefined ? undefined : observed(credential, () => flight);
  const sdk = createSdkExporter(kind, connection, httpClient, honest);

  return {
    async send(items, signal) {
      const mine: Flight = { items, signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]) };
      flight = mine;
      let reason = 'nothing was sent';
      try {
        await context.with(suppressTracing(context.active()), () =>
          sdk.export(items.map(placed), (result) => {
            reason = result.error?.name ?? reason;
          }),
        );
      } catch (error) {
        reason = error instanceof Error ? error.name : reason;
      }
      return mine.answer ?? { kind: 'unsent', reason };
    },
    async close() {
      await sdk.shutdown();
      agent.destroy();
    },
  };
}

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Newer versions of the SDK compress what goes to Azure's own domains. */
async function textOf(body: SdkRequest['body']): Promise<string> {
  return body instanceof Uint8Array ? (await gunzipAsync(body)).toString('utf8') : String(body ?? '');
}

async function encode(
  request: SdkRequest,
  text: string,
  compress: boolean,
): Promise<{ headers: Record<string, string>; body: Uint8Array }> {
  const headers: Record<string, string> = request.headers.toJSON();
  const body = Buffer.from(text);
  delete headers['content-encoding'];
  if (!compress) return { headers, body };
  // Level 1: audit records are repetitive, higher levels cost more than the bytes they save.
  return { headers: { ...headers, 'content-encoding': 'gzip' }, body: await gzipAsync(body, { level: 1 }) };
}

/**
 * What the SDK is told: all went well, whatever happened. Else it would follow redirects to other hosts, keep timers
 * and count the loss as its own affair.
 */
function soothing(request: SdkRequest): SdkResponse {
  return { request, status: 200, headers: NO_HEADERS, bodyAsText: '{"itemsReceived":0,"itemsAccepted":0,"errors":[]}' };
}

const NO_HEADERS: SdkResponse['headers'] = {
  get: () => undefined,
  has: () => false,
  set: () => undefined,
  delete: () => undefined,
  toJSON: () => ({}),
  [Symbol.iterator]: () => new Map<string, string>()[Symbol.iterator](),
};

/** A credential that fails or hangs is a reason to retry, and must not outlast the deadline. */
function observed(credential: SdkCredential, flight: () => Flight): SdkCredential {
  return {
    async getToken(scopes, options) {
      const mine = flight();
      try {
        return await Promise.race([credential.getToken(scopes, options), rejectedOnAbort(mine.signal)]);
      } catch (error) {
        mine.answer = failureOf(error, mine.signal.aborted ? 'deadline' : 'credential');
        throw error;
      }
    },
  };
}

function rejectedOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
