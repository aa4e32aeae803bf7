import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { followRpcMetadata, frameworkRequestOf, routeOf } from '../../../src/capture/route.js';
import { auditThisProcess, listen, send } from '../../support/audited-server.js';
import { createRoutedApp, type ExpressModule, ROUTE_CASES } from '../../support/express-routes.js';

const audited = auditThisProcess();
const express = require('express') as ExpressModule;

describe('the route of an Express 5 request', () => {
  let server: Awaited<ReturnType<typeof listen>>;
  before(async () => {
    server = await listen(http.createServer(createRoutedApp(express)));
  });
  after(() => server.close());

  for (const { name, url, method = 'GET', route } of ROUTE_CASES) {
    it(`is right for ${name}`, async () => {
      const next = audited.record(audited.records.length + 1);
      await send(server.url + url, { method });
      const { request } = await next;
      assert.equal(request?.route, route);
    });
  }
});

describe('routeOf', () => {
  it('takes what an instrumentation of the host left, and nothing before it has', () => {
    const request = new http.IncomingMessage(null as never);
    const metadata: { route?: string } = {};
    followRpcMetadata(request, metadata);
    assert.equal(routeOf(request), undefined);
    metadata.route = '/orders/:id';
    assert.equal(routeOf(request), '/orders/:id');
  });

  it('outlives what only says that it is Fastify', async () => {
    const channel = diagnostics.channel('fastify.initialization');
    const hook = { addHook: () => assert.fail('an error in a subscriber ends the process') };
    for (const message of [undefined, {}, { fastify: null }, { fastify: {} }, { fastify: hook }]) channel.publish(message);
    await turn();
  });

  it('is that of the request which Fastify tells of before its handler runs', () => {
    const hooks: ((request: object, reply: undefined, done: () => void) => void)[] = [];
    const fastify = { addHook: (_name: string, hook: (typeof hooks)[0]) => hooks.push(hook) };
    diagnostics.channel('fastify.initialization').publish({ fastify });
    const raw = new http.IncomingMessage(null as never);
    const own = { raw, routeOptions: { url: '/orders/:id' } };
    let calls = 0;
    for (const request of [own, { raw: undefined }, {}])
      hooks[0]?.(request, undefined, () => {
        calls += 1;
      });
    assert.deepEqual([calls, routeOf(raw), frameworkRequestOf(raw)], [3, '/orders/:id', own]);
  });

  it('says nothing of objects that only look like a framework', () => {
    const hostile = {
      get app(): never {
        throw new Error('no');
      },
    };
    for (const own of [{ route: 5 }, { route: { path: '/x' }, app: {} }, { baseUrl: '/secret' }, hostile]) {
      const request = Object.defineProperties(new http.IncomingMessage(null as never), Object.getOwnPropertyDescriptors(own));
      assert.equal(routeOf(request), undefined);
    }
  });
});
