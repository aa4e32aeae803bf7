import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { auditThisProcess, listen, send } from '../support/audited-server.js';
import { createRoutedApp, type ExpressModule, ROUTE_CASES } from '../support/express-routes.js';
import { installFixture } from '../support/framework-fixtures.js';
import { describeFramework, type FrameworkCase } from '../support/framework-suite.js';

const ORDERS = '/api/v1/orders/:orderId/items';
const CREATED = 'order.item.created';
const at = (fixture: string, entry: string) => () => ({ entry: path.join(installFixture(fixture), entry) });
const NEXT = { service: at('next', '.next/standalone/server.js'), env: { HOSTNAME: '127.0.0.1', PORT: '0', NEXT_TELEMETRY_DISABLED: '1' } };
const MUTATION = 'mutation createOrder($item: String!, $note: String) { createOrder(item: $item, note: $note) { calls item noteLength } }';

// Koa, hapi and Hono leave nothing of the match on the request: there the path speaks for itself, and the action comes from it.
const FRAMEWORKS: readonly FrameworkCase[] = [
  { name: 'Express 4', service: at('express4', 'server.js'), route: ORDERS, action: CREATED },
  { name: 'Fastify 5', service: at('fastify', 'server.js'), route: ORDERS, action: CREATED },
  { name: 'Koa with @koa/router', service: at('koa', 'server.mjs'), route: undefined, action: CREATED },
  { name: 'hapi', service: at('hapi', 'server.js'), route: undefined, action: CREATED },
  { name: 'Hono on node-server', service: at('hono', 'server.mjs'), route: undefined, action: CREATED },
  { name: 'NestJS on Express', service: at('nestjs', 'express.mjs'), route: ORDERS, action: CREATED },
  { name: 'NestJS on Fastify', service: at('nestjs', 'fastify.mjs'), route: ORDERS, action: CREATED },
  { ...NEXT, name: 'Next.js standalone, app router', route: '/api/v1/orders/[orderId]/items', action: CREATED },
  {
    ...NEXT,
    name: 'Next.js standalone, pages router',
    path: '/api/v2/orders/42/items',
    route: '/api/v2/orders/[orderId]/items',
    action: CREATED,
  },
  {
    name: 'tRPC over Express',
    service: at('trpc', 'server.mjs'),
    path: '/trpc/order.create',
    route: '/trpc',
    action: 'trpc.order-create.created',
    statuses: [200, 500, 404],
  },
  {
    name: 'GraphQL over Express',
    service: at('graphql', 'server.js'),
    path: '/graphql',
    route: '/graphql',
    action: 'graphql.created',
    // GraphQL answers 200 to a resolver that fails.
    statuses: [200, 200, 404],
    bodyOf: (order) => ({ query: MUTATION, variables: order }),
  },
];

for (const framework of FRAMEWORKS) describeFramework(framework);

describe('the route of an Express 4 request', () => {
  const audited = auditThisProcess();
  let server: Awaited<ReturnType<typeof listen>>;
  before(async () => {
    const express = require(path.join(installFixture('express4'), 'node_modules/express')) as ExpressModule;
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
