/** A service in each framework whose packages are no part of this repository's, and what the preload must know of it. */

import path from 'node:path';
import { fixtureSource, installFixture } from './fixtures.js';
import type { FrameworkCase } from './framework-suite.js';

const ROUTE = '/api/v1/orders/:orderId/items';
const ACTION = 'order.item.created';
const ORDERS = { route: ROUTE, action: ACTION } as const;
const NEXT = {
  service: at('next', '.next/standalone/server.js'),
  env: { HOSTNAME: '127.0.0.1', PORT: '0', NEXT_TELEMETRY_DISABLED: '1' },
  action: ACTION,
} as const;
const MUTATION = 'mutation createOrder($item: String!, $note: String) { createOrder(item: $item, note: $note) { calls item noteLength } }';

/** These two need nothing but what is here. */
export const OWN_FRAMEWORKS: readonly FrameworkCase[] = [
  {
    name: 'plain http',
    service: () => ({ entry: 'server.js', files: { 'server.js': fixtureSource('frameworks/http', 'server.js') } }),
    route: undefined,
    action: ACTION,
  },
  {
    ...ORDERS,
    name: 'Express 5',
    service: () => ({
      entry: 'server.js',
      files: { 'server.js': fixtureSource('frameworks/express4', 'server.js') },
      dependencies: ['express'],
    }),
  },
];

export const FRAMEWORKS: readonly FrameworkCase[] = [
  { ...ORDERS, name: 'Express 4', service: at('express4', 'server.js') },
  { ...ORDERS, name: 'Fastify 5', service: at('fastify', 'server.js') },
  { ...ORDERS, name: 'Koa with @koa/router', service: at('koa', 'server.mjs') },
  { ...ORDERS, name: 'Koa 2 with @koa/router 12, CommonJS', service: at('koa2', 'server.js') },
  { ...ORDERS, name: 'hapi', service: at('hapi', 'server.js'), route: '/api/v1/orders/{orderId}/items' },
  { ...ORDERS, name: 'hapi 20', service: at('hapi20', 'server.js'), route: '/api/v1/orders/{orderId}/items' },
  { ...ORDERS, name: 'Hono on node-server', service: at('hono', 'server.mjs') },
  { ...ORDERS, name: 'Hono 4.0 on node-server 1, CommonJS', service: at('hono40', 'server.js') },
  { ...ORDERS, name: 'NestJS on Express', service: at('nestjs', 'express.mjs') },
  { ...ORDERS, name: 'NestJS on Fastify', service: at('nestjs', 'fastify.mjs') },
  { ...NEXT, name: 'Next.js standalone, app router', route: '/api/v1/orders/[orderId]/items' },
  {
    ...NEXT,
    name: 'Next.js standalone, pages router',
    path: '/api/v2/orders/42/items',
    route: '/api/v2/orders/[orderId]/items',
  },
  {
    name: 'tRPC over Express',
    service: at('trpc', 'server.mjs'),
    path: '/trpc/order.create',
    route: '/trpc',
    action: 'order.create',
    statuses: [200, 500, 404],
  },
  {
    name: 'GraphQL over Express',
    service: at('graphql', 'server.js'),
    path: '/graphql',
    route: '/graphql',
    action: 'mutation.createOrder',
    // GraphQL answers 200 to a resolver that fails.
    statuses: [200, 200, 404],
    bodyOf: (order) => ({ query: MUTATION, variables: order }),
  },
];

function at(fixture: string, entry: string): FrameworkCase['service'] {
  return async () => ({ entry: path.join(await installFixture(`frameworks/${fixture}`), entry) });
}
