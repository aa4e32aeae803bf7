import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { auditThisProcess, listen, send } from '../support/audited-server.js';
import { createRoutedApp, type ExpressModule, ROUTE_CASES } from '../support/express-routes.js';
import { installFixture } from '../support/fixtures.js';
import { FRAMEWORKS } from '../support/framework-cases.js';
import { describeFramework } from '../support/framework-suite.js';

for (const framework of FRAMEWORKS) describeFramework(framework);

describe('the route of an Express 4 request', () => {
  const audited = auditThisProcess();
  let server: Awaited<ReturnType<typeof listen>>;
  before(async () => {
    const express = require(path.join(await installFixture('frameworks/express4'), 'node_modules/express')) as ExpressModule;
    server = await listen(http.createServer(createRoutedApp(express)));
  });
  after(() => server?.close());

  for (const { name, url, method = 'GET', route } of ROUTE_CASES) {
    it(`is right for ${name}`, async () => {
      const next = audited.record(audited.records.length + 1);
      await send(server.url + url, { method });
      const { request } = await next;
      assert.equal(request?.route, route);
    });
  }
});
