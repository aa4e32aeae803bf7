import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/audited-server.js';
import { installFixture } from '../support/fixtures.js';
import { createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { until } from '../support/waiting.js';

interface RouteCase {
  readonly name: string;
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly route: string | undefined;
  readonly actor?: string;
}

const PREFLIGHT = { origin: 'https://a.example', 'access-control-request-method': 'GET' };

describeRoutes('Koa', 'koa/routes.js', [
  { name: 'a router with a prefix', url: '/api/orders/42?x=1', route: '/api/orders/:id' },
  { name: 'a router in a router', url: '/api/orders/42/items/7', route: '/api/orders/:id/items/:item' },
  { name: 'any method', url: '/api/any/42', method: 'DELETE', route: '/api/any/:thing' },
  { name: 'a HEAD request', url: '/api/orders/42', method: 'HEAD', route: '/api/orders/:id' },
  { name: 'the second of two handlers', url: '/api/passed/42', route: '/api/passed/*rest' },
  { name: 'what middleware of the router refused', url: '/closed/42', status: 401, route: '/closed/:id' },
  { name: 'an app mounted in an app', url: '/mount/users/42', route: '/mount/users/:user' },
  { name: 'the root of a mounted app', url: '/mount', route: '/mount' },
  { name: 'a route behind a mount that passed it on', url: '/through/42', route: '/through/:id' },
  { name: 'koa-route', url: '/simple/42', route: '/simple/:id' },
  { name: 'no route: for mounts in each other', url: '/deep/inner/users/42', route: undefined },
  { name: 'no route: for an expression', url: '/api/expression-42', route: undefined },
  { name: 'no route: where nothing matched', url: '/api/nothing/42', status: 404, route: undefined },
  { name: 'no route: for another method', url: '/api/orders/42', method: 'DELETE', status: 405, route: undefined },
  { name: 'a path that the service rewrote', url: '/rewritten/secret', route: '/api/orders/:id' },
  { name: 'a user in the state', url: '/api/orders/42', headers: { 'x-user': 'ada' }, route: '/api/orders/:id', actor: 'ada' },
]);

describeRoutes('hapi', 'hapi/routes.js', [
  { name: 'a parameter', url: '/orders/42?x=1', route: '/orders/{id}' },
  { name: 'any method', url: '/any/a/b/c', method: 'PUT', route: '/any/{rest*}' },
  { name: 'a plugin with a prefix', url: '/users/42/items/7', route: '/users/{user}/items/{item?}' },
  { name: 'no route: where nothing matched', url: '/nothing/42', status: 404, route: undefined },
  { name: 'no route: for another method', url: '/orders/42', method: 'DELETE', status: 404, route: undefined },
  { name: 'no route: for a path that cannot be read', url: '/orders/%zz', status: 400, route: undefined },
  { name: 'who was authenticated', url: '/me/42', headers: { 'x-user': 'ada' }, route: '/me/{id}', actor: 'ada' },
  { name: 'who was refused', url: '/me/42', status: 500, route: '/me/{id}', actor: 'anonymous' },
]);

describeRoutes('Hono', 'hono/routes.mjs', [
  { name: 'a parameter', url: '/orders/42?x=1', route: '/orders/:id' },
  { name: 'a HEAD request', url: '/orders/42', method: 'HEAD', route: '/orders/:id' },
  { name: 'any method', url: '/any/42', method: 'DELETE', route: '/any/:id' },
  { name: 'a base path', url: '/v1/users/42', route: '/v1/users/:user' },
  { name: 'an app in an app, which fails', url: '/sub/fail/42', status: 500, route: '/sub/fail/:id' },
  { name: 'what middleware refused', url: '/closed/42', status: 401, route: '/closed/:id' },
  { name: 'the last of several handlers', url: '/many/42?pass=1', route: '/many/:id' },
  { name: 'a handler that could have passed it on', url: '/files/42', route: '/files/*' },
  { name: 'a handler that asks its own app', url: '/inside/42', route: '/inside/:id' },
  { name: 'no route: for another kind of app behind a mount', url: '/mounted/x/42', route: undefined },
  { name: 'no route: where only middleware fits', url: '/nothing/42', status: 404, route: undefined },
  { name: 'no route: for another method', url: '/orders/42', method: 'DELETE', status: 404, route: undefined },
  { name: 'a request that comes with an origin', url: '/orders/42', headers: PREFLIGHT, route: '/orders/:id' },
]);

function describeRoutes(framework: string, entry: string, cases: readonly RouteCase[]): void {
  describe(`the route of a ${framework} request`, () => {
    let folder: ServiceFolder;
    let service: Service;
    before(async () => {
      const [fixture = '', file = ''] = entry.split('/');
      folder = createServiceFolder({});
      service = await folder.start({ entry: path.join(await installFixture(`frameworks/${fixture}`), file) });
    });
    after(async () => {
      await service?.end();
      folder?.remove();
    });

    for (const [index, { name, url, method = 'GET', headers, status = 200, route, actor }] of cases.entries()) {
      it(`is right for ${name}`, async () => {
        const id = `case-${index}`;
        const answer = await send(service.url + url, { method, headers: { ...headers, 'x-request-id': id } });
        const recordOf = () => folder.records().find(({ request }) => request?.id === id);
        await until('there is a record', () => recordOf() !== undefined);
        const record = recordOf();
        assert.deepEqual([answer.status, record?.request?.route], [status, route]);
        if (actor !== undefined) assert.deepEqual([record?.actor?.id, record?.actor?.verified], [actor, actor !== 'anonymous']);
      });
    }
  });
}
