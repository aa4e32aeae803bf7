import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { followRpcMetadata, routeOf } from '../../../src/capture/route.js';
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
