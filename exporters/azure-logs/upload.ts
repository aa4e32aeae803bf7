/** One call of the Logs Ingestion API, and what its answer means for the rows in it. */

import type { LogsIngestionClient } from '@azure/monitor-ingestion';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { all, type Judgement, retry, statusText } from '../judgement.js';
import { retryAfterMs } from '../retry-after.js';
import type { LogsRow } from './row.js';

interface UploadOptions {
  readonly client: LogsIngestionClient;
  readonly ruleId: string;
  readonly stream: string;
  readonly requestTimeoutMs: number;
}

/** Never rejects. `rows` must fit into one call: of several the client would not say which have failed. */
export async function upload(options: UploadOptions, rows: readonly LogsRow[], signal: AbortSignal): Promise<Judgement> {
  const { client, ruleId, stream, requestTimeoutMs } = options;
  // With a signal that has fired before, the client sends nothing and says nothing.
  if (signal.aborted) return all({ status: 'retry', reason: 'deadline: nothing was sent' });
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
  let cause: unknown;
  try {
    await context.with(suppressTracing(context.active()), () =>
      client.upload(ruleId, stream, [...rows], {
        abortSignal,
        onError: (failure) => {
          cause = failure.cause;
        },
      }),
    );
    return all({ status: 'delivered' });
  } catch (error) {
    return judge(cause ?? error, abortSignal.aborted);
  }
}

/** As much of the client's errors as is read; of an answer, `code` is the service's own: `InvalidStream`. */
interface Failure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

function judge(error: unknown, isLate: boolean): Judgement {
  const { name, code, statusCode: status, response } = (typeof error === 'object' && error !== null ? error : {}) as Failure;
  if (typeof status !== 'number') {
    const reason = typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown error';
    return all({ status: 'retry', reason: `${isLate ? 'deadline' : 'no answer'}: ${reason}` });
  }
  const afterMs = retryAfterMs(response?.headers?.get('retry-after'), Date.now());
  const isPage = response?.headers?.get('content-type')?.includes('html') === true;
  if (status < 300 || isPage) return all(retry(`captive portal: status ${status}, not from the service`, afterMs));
  if (status === 413) return { kind: 'split', reason: 'status 413: too large', tooLarge: true };
  if (status !== 400) return all(retry(statusText(status, MEANINGS), afterMs));
  // The rule, its stream or its address: no row's fault, and somebody will correct it.
  const fault = typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : '';
  if (/stream|rule|dcr|endpoint/i.test(fault)) return all(retry(`status 400, ${fault}: check the rule and its stream`, afterMs));
  return { kind: 'split', reason: fault === '' ? 'status 400' : `status 400, ${fault}`, tooLarge: false };
}

const MEANINGS: Readonly<Record<number, string>> = {
  401: 'not authorised',
  403: 'forbidden: the identity needs the role Monitoring Metrics Publisher on the rule',
  404: 'no such rule at this endpoint',
  429: 'throttled',
};
