/** Requests that keep coming while a test breaks something, each with an id of its own, and which of them were answered. */

import http from 'node:http';
import { until } from './waiting.js';

/** Requests under way at a time: also the most that a killed service may have answered without a journalled record. */
export const CONCURRENCY = 4;

export interface RequestFlow {
  /** Request ids, in the order of their answers. */
  readonly answered: readonly string[];
  /** Waits until so many more are answered. */
  more(count: number): Promise<void>;
  /** Ends the flow once what is under way is answered or failed. */
  stop(): Promise<readonly string[]>;
}

/** `prefix` keeps the ids of several flows apart. A lane ends with its first failed request. */
export function startFlow(url: string, prefix: string): RequestFlow {
  const answered: string[] = [];
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  let isStopped = false;
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (!isStopped) {
      sent += 1;
      const id = `${prefix}-${sent}`;
      if (!(await post(url, agent, id))) return;
      answered.push(id);
    }
  };
  const lanes = Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const stop = async (): Promise<readonly string[]> => {
    isStopped = true;
    await lanes;
    agent.destroy();
    return answered;
  };
  return {
    answered,
    stop,
    async more(count) {
      const target = answered.length + count;
      await until(`${target} requests of ${prefix} are answered`, () => answered.length >= target, 20_000).catch(async (error: unknown) => {
        await stop();
        throw error;
      });
    },
  };
}

/** So many requests, all answered. @throws if one is not. */
export async function sendMany(url: string, prefix: string, count: number): Promise<readonly string[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const ids = Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
  const answers = await Promise.all(ids.map((id) => post(url, agent, id)));
  agent.destroy();
  if (answers.includes(false)) throw new Error(`a request of ${prefix} was not answered`);
  return ids;
}

function post(url: string, agent: http.Agent, id: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json', 'x-request-id': id };
  return new Promise((resolve) => {
    const request = http.request(`${url}/api/orders`, { method: 'POST', agent, headers, timeout: 10_000 }, (response) => {
      response
        .resume()
        .on('end', () => resolve(response.statusCode === 201))
        .on('error', () => resolve(false));
    });
    request
      .on('error', () => resolve(false))
      .on('timeout', () => request.destroy())
      .end(`{"id":"${id}"}`);
  });
}
