/** Turns what the ingestion endpoint said into what became of each item. Pure; unsure means retry. */

import type { Acknowledgement } from '../../src/exporter.js';
import { type Answer, isHtml } from '../answer.js';
import { all, type Judgement, retry, statusText } from '../judgement.js';
import { retryAfterMs } from '../retry-after.js';

/** `now`: epoch milliseconds, for a `Retry-After` that is a date. */
export function judge(answer: Answer, itemCount: number, now: number): Judgement {
  if (answer.kind === 'failure') return all(retry(answer.reason));
  if (answer.kind === 'unsent') return { kind: 'split', reason: `the SDK could not convert it: ${answer.reason}`, tooLarge: false };
  const { status } = answer;
  if (status === 413) return { kind: 'split', reason: 'status 413: too large', tooLarge: true };
  if (isHtml(answer)) return all(retry(`captive portal: status ${status} with a web page, not from the ingestion service`));
  const afterMs = retryAfterMs(answer.retryAfter, now);
  const track = parseTrack(answer.text);
  switch (status) {
    case 200:
    case 206:
      return track === undefined || track.received !== itemCount
        ? all(retry(`captive portal: status ${status} without the ingestion service's answer`))
        : { kind: 'each', acknowledgements: perItem(track, itemCount, afterMs) };
    case 400:
      if (INVALID_KEY.test(answer.text)) return all({ status: 'rejected', reason: 'status 400: invalid instrumentation key' });
      if (track === undefined || track.errors.size === 0) return { kind: 'split', reason: 'status 400', tooLarge: false };
      return { kind: 'each', acknowledgements: perItem(track, itemCount, afterMs) };
    case 402:
      return all({ status: 'rejected', reason: 'status 402: quota exceeded' });
    case 404:
      return all({ status: 'rejected', reason: 'status 404: no ingestion service at this endpoint' });
    default:
      return all(retry(statusText(status, MEANINGS), afterMs));
  }
}

const INVALID_KEY = /instrumentation\s?key/i;

interface TrackAnswer {
  readonly received: number;
  readonly accepted: number;
  readonly errors: ReadonlyMap<number, { readonly status: number; readonly message: string }>;
}

function parseTrack(text: string): TrackAnswer | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  const { itemsReceived, itemsAccepted, errors } = body as Record<string, unknown>;
  if (typeof itemsReceived !== 'number' || typeof itemsAccepted !== 'number') return undefined;
  const byIndex = new Map<number, { status: number; message: string }>();
  for (const error of Array.isArray(errors) ? errors : []) {
    const { index, statusCode, message } = (error ?? {}) as Record<string, unknown>;
    if (typeof index === 'number') byIndex.set(index, { status: Number(statusCode ?? 0), message: String(message ?? '') });
  }
  return { received: itemsReceived, accepted: itemsAccepted, errors: byIndex };
}

function perItem(track: TrackAnswer, itemCount: number, afterMs: number | undefined): readonly Acknowledgement[] {
  // Items without an error count as stored only if the totals say so too.
  const consistent = track.accepted === itemCount - track.errors.size;
  const unnamed: Acknowledgement = consistent ? { status: 'delivered' } : retry('not accepted, no reason given', afterMs);
  return Array.from({ length: itemCount }, (_, index) => {
    const error = track.errors.get(index);
    return error === undefined ? unnamed : itemAcknowledgement(error.status, error.message, afterMs);
  });
}

function itemAcknowledgement(status: number, message: string, afterMs: number | undefined): Acknowledgement {
  if (/sampled out/i.test(message)) return { status: 'rejected', reason: 'dropped by ingestion sampling: set it to 100 %' };
  if (!REJECTED_ITEMS.has(status)) return retry(`item ${statusText(status, MEANINGS)}`, afterMs);
  // Of the message only its leading number: the rest may quote the item.
  const code = /^\d+(?=:)/.exec(message)?.[0];
  return { status: 'rejected', reason: code === undefined ? `item status ${status}` : `item status ${status}, code ${code}` };
}

const REJECTED_ITEMS: ReadonlySet<number> = new Set([400, 404, 413]);

const MEANINGS: Readonly<Record<number, string>> = {
  307: 'redirected to another origin',
  308: 'redirected to another origin',
  401: 'not authorised',
  403: 'forbidden',
  429: 'throttled',
  439: 'daily cap reached',
};
