/** What the preload promises whichever framework answers: one true record a request, and handlers that run once. */

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { JournalledRecord } from '../../src/record.js';
import { type Answer, send } from './audited-server.js';
import { createServiceFolder, type Service, type ServiceFolder } from './service.js';
import { until } from './waiting.js';

export interface FrameworkCase {
  readonly name: string;
  /** The files of a service that needs only this repository's packages, or where an installed fixture starts. */
  readonly service: () => FrameworkService | Promise<FrameworkService>;
  readonly env?: Readonly<Record<string, string>>;
  /** `/api/v1/orders/42/items` unless said. */
  readonly path?: string;
  readonly route: string | undefined;
  readonly action: string;
  /** The status of the answer, of a failing handler, and of an unknown path. 201, 500 and 404 unless said. */
  readonly statuses?: readonly [ok: number, broken: number, unknown: number];
  /** The request body of an order. The order itself as JSON unless said. */
  readonly bodyOf?: (order: Order) => unknown;
}

interface FrameworkService {
  readonly entry: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly dependencies?: readonly string[];
}

interface Order {
  readonly item: string;
  readonly note?: string;
  readonly password?: string;
}

const LANES = 8;

/** `requests` is the number of mixed ones. */
export function describeFramework(framework: FrameworkCase, requests = 200): void {
  const { route, action, path = '/api/v1/orders/42/items', statuses: [ok, broken, unknown] = [201, 500, 404] } = framework;
  const bodyOf = (order: Order): string => JSON.stringify(framework.bodyOf?.(order) ?? order);
  let folder: ServiceFolder;
  let service: Service;
  let calls = 0;

  /** Sends, and answers with the records that came of it. */
  const exchange = async (id: string, method: string, url: string, body?: string): Promise<[Answer, readonly JournalledRecord[]]> => {
    const headers = { 'content-type': 'application/json', 'x-request-id': id };
    const answer = await send(service.url.replace(/\/$/, '') + url, { method, headers }, body);
    await until(`there is a record of ${id}`, () => recordsOf(id).length > 0);
    return [answer, recordsOf(id)];
  };
  const recordsOf = (id: string): readonly JournalledRecord[] => folder.records().filter(({ request }) => request?.id === id);

  describe(framework.name, () => {
    before(async () => {
      const { entry, files = {}, dependencies = [] } = await framework.service();
      folder = createServiceFolder(files, dependencies);
      // Absolute: a server may change its working directory.
      const env = { AUDIT_FILE_DIR: `${folder.directory}/audit-log`, ...framework.env };
      service = await folder.start({ entry, env });
    });
    after(async () => {
      if (service?.process.exitCode === null) await service.end('SIGKILL');
      folder?.remove();
    });

    it('records an order with its route and both bodies, and handles it once', async () => {
      const body = bodyOf({ item: 'anvil', password: 'hunter2' });
      const [answer, records] = await exchange('order', 'POST', `${path}?token=hunter2`, body);
      calls += 1;
      assert.equal(answer.status, ok, answer.body);
      assert.ok(answer.body.includes(`"calls":${calls}`) && answer.body.includes('anvil'), answer.body);
      assert.equal(answer.headers['x-request-id'], 'order');
      assert.equal(records.length, 1);
      const [record] = records as [JournalledRecord];
      assert.deepEqual(
        [record.action, record.outcome, record.request?.route, record.request?.path, record.response?.status],
        [action, 'success', route, path, ok],
      );
      assert.equal(record.request?.bodySize, body.length);
      assert.equal(record.request?.body, body.replace('hunter2', '[REDACTED]'));
      assert.equal(record.response?.body, answer.body);
      assert.ok(!JSON.stringify(records).includes('hunter2'));
    });

    it('counts a large body whole, keeps its beginning, and gives the handler all of it', async () => {
      const body = bodyOf({ item: 'anvil', note: 'ü'.repeat(40_000) });
      const [answer, [record]] = await exchange('large', 'POST', path, body);
      calls += 1;
      assert.ok(answer.body.includes('"noteLength":40000'), answer.body);
      assert.deepEqual([record?.request?.bodySize, record?.request?.bodyTruncated], [Buffer.byteLength(body), true]);
    });

    it('records a handler that fails', async () => {
      const [answer, records] = await exchange('broken', 'POST', path, bodyOf({ item: 'broken' }));
      calls += 1;
      assert.deepEqual([answer.status, records.length], [broken, 1]);
      const outcome = broken < 400 ? 'success' : 'failure';
      assert.deepEqual([records[0]?.outcome, records[0]?.response?.status, records[0]?.request?.route], [outcome, broken, route]);
    });

    it('records what no handler answers', async () => {
      const [answer, records] = await exchange('unknown', 'GET', '/nothing/here/42');
      assert.deepEqual([answer.status, records.length], [unknown, 1]);
      assert.deepEqual([records[0]?.response?.status, records[0]?.request?.route], [unknown, undefined]);
    });

    it(`loses none of ${requests} mixed requests and doubles none`, async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: LANES });
      let next = 0;
      const answered: string[] = [];
      const lane = async (): Promise<void> => {
        for (let n = next++; n < requests; n = next++) {
          const id = `mixed-${n}`;
          // 0: unknown; 1: given up in the middle of the body; 2, 3, 4: an order.
          const kind = (n * 7) % 5;
          const headers = { 'content-type': 'application/json', 'x-request-id': id };
          if (kind === 1) await giveUp(service.url.replace(/\/$/, '') + path, { method: 'POST', headers });
          else {
            const body = kind === 0 ? undefined : bodyOf({ item: `item ${n}`, note: 'x'.repeat((n * 997) % 20_000) });
            const url = service.url.replace(/\/$/, '') + (kind === 0 ? '/nothing/42' : path);
            await send(url, { method: kind === 0 ? 'GET' : 'POST', headers, agent }, body);
            answered.push(id);
            if (kind !== 0) calls += 1;
          }
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      agent.destroy();
      const [answer] = await exchange('last', 'POST', path, bodyOf({ item: 'last' }));
      calls += 1;
      // Given-up requests may have reached a handler before its body ended (plain http counts them).
      const counted = Number(/"calls":(\d+)/.exec(answer.body)?.[1]);
      assert.ok(counted >= calls && counted <= calls + requests / 5, `${counted} calls for ${calls} orders`);
      await service.end();
      const seen = new Map<string, number>();
      for (const { request } of folder.records()) seen.set(request?.id ?? '', (seen.get(request?.id ?? '') ?? 0) + 1);
      assert.deepEqual(
        answered.filter((id) => seen.get(id) !== 1),
        [],
      );
      assert.deepEqual(
        [...seen].filter(([, count]) => count !== 1),
        [],
      );
    });
  });
}

/** Sends a part of a body and leaves. */
async function giveUp(url: string, options: http.RequestOptions): Promise<void> {
  const request = http.request(url, { ...options, agent: false, headers: { ...options.headers, 'content-length': 1000 } });
  request.on('error', () => {});
  await new Promise((resolve) => request.write('{"item":', resolve));
  await turn();
  request.destroy();
}
