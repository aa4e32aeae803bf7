/** One request of log records, and what the receiver's answer means for those in it. Unsure means retry. */

import type { Agent } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { type Answer, isHtml } from '../answer.js';
import { all, type Judgement, retry, statusText } from '../judgement.js';
import { post } from '../post.js';
import { retryAfterMs } from '../retry-after.js';
import type { OtlpLogRecord } from './log-record.js';

interface SendOptions {
  readonly url: string;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  readonly requestTimeoutMs: number;
}

type SdkLogRecords = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0];

/** Never rejects. */
export function createSend({ url, agent, headers, gzip: compress, requestTimeoutMs }: SendOptions) {
  return async (records: readonly OtlpLogRecord[], signal: AbortSignal): Promise<Judgement> => {
    const body = encode(records);
    if (body === undefined) return { kind: 'split', reason: 'it cannot be encoded', tooLarge: false };
    const answer = await post(url, {
      headers: { ...headers, 'content-type': PROTOBUF, ...(compress ? { 'content-encoding': 'gzip' } : {}) },
      // Level 1: audit records are repetitive, higher levels cost more than the bytes they save.
      body: compress ? await gzipAsync(body, { level: 1 }) : body,
      agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    });
    return judge(answer, records.length);
  };
}

const PROTOBUF = 'application/x-protobuf';
const gzipAsync = promisify(gzip);

function encode(records: readonly OtlpLogRecord[]): Uint8Array | undefined {
  try {
    return ProtobufLogsSerializer.serializeRequest(records as unknown as SdkLogRecords);
  } catch {
    return undefined;
  }
}

function judge(answer: Answer, count: number): Judgement {
  if (answer.kind !== 'answer') return all(retry(answer.reason));
  const { status } = answer;
  if (status === 413) return { kind: 'split', reason: 'status 413: too large', tooLarge: true };
  if (isHtml(answer)) return all(retry(`captive portal: status ${status} with a web page, not from the receiver`));
  if (status >= 200 && status < 300) return judgeAccepted(answer.body, answer.contentType, count);
  // OTLP/HTTP: 400 is for what can never be decoded. Some record of the request may be at fault, and only smaller ones can tell which.
  if (status === 400 || status === 422)
    return { kind: 'split', reason: `status ${status}: the receiver does not understand it`, tooLarge: false };
  return all(retry(statusText(status, MEANINGS), retryAfterMs(answer.retryAfter, Date.now())));
}

/**
 * A partial success says how many were rejected and not which. Halves are sent until each is accepted or rejected whole:
 * what was accepted meanwhile arrives again, and its `audit.record.id` tells so; what was rejected is known by name.
 */
function judgeAccepted(body: Uint8Array, contentType: string, count: number): Judgement {
  const rejected = rejectedIn(body, contentType);
  if (rejected === undefined) return all(retry("captive portal: status 200 without a receiver's answer"));
  if (rejected <= 0) return all({ status: 'delivered' });
  if (rejected >= count) return all({ status: 'rejected', reason: 'rejected by the receiver' });
  return { kind: 'split', reason: 'rejected by the receiver', tooLarge: false };
}

/** Undefined: this is no OTLP answer. An empty one is: protobuf leaves defaults out. */
function rejectedIn(body: Uint8Array, contentType: string): number | undefined {
  if (!contentType.startsWith(PROTOBUF) && !(body.length === 0 && contentType === '')) return undefined;
  try {
    const answer = ProtobufLogsSerializer.deserializeResponse(body);
    return Number(answer.partialSuccess?.rejectedLogRecords ?? 0);
  } catch {
    return undefined;
  }
}

const MEANINGS: Readonly<Record<number, string>> = {
  401: 'not authorised: check AUDIT_OTLP_HEADERS',
  403: 'forbidden: check AUDIT_OTLP_HEADERS',
  404: 'no receiver for logs at this address: check AUDIT_OTLP_ENDPOINT',
  429: 'throttled',
  503: 'unavailable',
};
