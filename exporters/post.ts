/** One HTTP POST with a deadline, a bounded answer, and no redirect to another origin. */

import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type Answer, failureOf } from './answer.js';

interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 3;
const MAX_ANSWER_BYTES = 1_048_576; // per-item errors of a full batch take about 200 KB

/** Never rejects. A redirect to another origin is not followed but answered: it would carry records and token to a stranger. */
export async function post(url: string, options: PostOptions): Promise<Answer> {
  let target = url;
  for (let redirects = 0; ; redirects += 1) {
    const { answer, location } = await postOnce(target, options);
    if (answer.kind !== 'answer' || (answer.status !== 307 && answer.status !== 308) || redirects === MAX_REDIRECTS) return answer;
    const next = sameOrigin(location, target);
    if (next === undefined) return answer;
    target = next;
  }
}

interface OneAnswer {
  readonly answer: Answer;
  readonly location?: string | undefined;
}

function postOnce(url: string, { headers, body, agent, signal }: PostOptions): Promise<OneAnswer> {
  return new Promise((resolve) => {
    const fail = (error: unknown): void => resolve({ answer: failureOf(error, signal.aborted ? 'deadline' : 'no answer') });
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    try {
      const sizes = { 'content-length': String(body.byteLength), 'accept-encoding': 'identity' };
      const request = send(url, { method: 'POST', headers: { ...headers, ...sizes }, agent, signal });
      request.once('error', fail).once('response', (response) => {
        read(response).then((read) => resolve(answered(response, read)), fail);
      });
      request.end(body);
    } catch (error) {
      fail(error);
    }
  });
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_ANSWER_BYTES) throw Object.assign(new Error('the answer is too long'), { code: 'ANSWER_TOO_LONG' });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function answered(response: IncomingMessage, body: Buffer): OneAnswer {
  const { headers } = response;
  return {
    answer: {
      kind: 'answer',
      status: response.statusCode ?? 0,
      contentType: headers['content-type'] ?? '',
      body,
      text: body.toString('utf8'),
      retryAfter: headers['retry-after'],
    },
    location: headers.location,
  };
}

function sameOrigin(location: string | undefined, from: string): string | undefined {
  if (location === undefined || !URL.canParse(location, from)) return undefined;
  const target = new URL(location, from);
  return target.origin === new URL(from).origin ? target.href : undefined;
}
