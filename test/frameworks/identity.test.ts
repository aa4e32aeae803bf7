import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JournalledRecord } from '../../src/record.js';
import { send } from '../support/audited-server.js';
import { installFixture } from '../support/fixtures.js';
import { createServiceFolder, type Service, type ServiceFolder } from '../support/service.js';
import { hs256 } from '../support/tokens.js';
import { until } from '../support/waiting.js';

const SECRET = 'a secret of the service';

/** As `@fastify/jwt` does it: the decorated request has the claims of the token, once they are verified. */
const FASTIFY = `
const { createHmac } = require('node:crypto');
const fastify = require('fastify');
const app = fastify();
app.decorateRequest('user', null);
app.addHook('onRequest', async (request, reply) => {
  const [head, claims, signature] = (request.headers.authorization ?? '').replace('Bearer ', '').split('.');
  if (signature !== createHmac('sha256', '${SECRET}').update(head + '.' + claims).digest('base64url')) return reply.code(401).send();
  request.user = JSON.parse(Buffer.from(claims, 'base64url').toString());
});
app.addHook('preHandler', async (request, reply) => {
  if (request.method === 'DELETE' && !request.user.roles.includes('admin')) return reply.code(403).send();
});
app.register(async (orders) => {
  orders.all('/:id', { schema: { querystring: { type: 'object', properties: { page: { type: 'integer' } } } } }, async () => ({ ok: true }));
}, { prefix: '/orders' });
app.listen({ port: 0, host: '127.0.0.1' }).then((url) => console.log('listening on ' + url));
process.on('SIGTERM', () => process.exit(0));
`;

const nest = (adapter: string): string => `
import 'reflect-metadata';
import { createHmac } from 'node:crypto';
import { All, Controller, Module, Query, UnauthorizedException, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
${adapter === '' ? '' : `import { ${adapter} } from '@nestjs/platform-fastify';`}
class TokenGuard {
  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [head, claims, signature] = (request.headers.authorization ?? '').replace('Bearer ', '').split('.');
    if (signature !== createHmac('sha256', '${SECRET}').update(head + '.' + claims).digest('base64url')) throw new UnauthorizedException();
    request.user = JSON.parse(Buffer.from(claims, 'base64url').toString());
    return request.method !== 'DELETE' || request.user.roles.includes('admin');
  }
}
class Orders {
  act() { return { ok: true }; }
}
// What the decorators of a TypeScript source come to.
const act = Object.getOwnPropertyDescriptor(Orders.prototype, 'act');
Controller('orders')(Orders);
UseGuards(TokenGuard)(Orders);
All(':id')(Orders.prototype, 'act', act);
class App {}
Module({ controllers: [Orders] })(App);
const app = await NestFactory.create(App, ${adapter === '' ? '' : `new ${adapter}(), `}{ logger: false });
await app.listen(0, '127.0.0.1');
console.log('listening on http://127.0.0.1:' + app.getHttpServer().address().port);
process.on('SIGTERM', () => process.exit(0));
`;

const SERVICES = [
  { name: 'Fastify with the claims on its request', fixture: 'frameworks/fastify', entry: 'server.cjs', source: FASTIFY },
  { name: 'NestJS on Express with a guard', fixture: 'frameworks/nestjs', entry: 'server.mjs', source: nest('') },
  { name: 'NestJS on Fastify with a guard', fixture: 'frameworks/nestjs', entry: 'server.mjs', source: nest('FastifyAdapter') },
];

for (const { name, fixture, entry, source } of SERVICES) {
  describe(`who acts: ${name}`, () => {
    let folder: ServiceFolder;
    let service: Service;
    let asked = 0;

    before(async () => {
      folder = createServiceFolder({}, [], await installFixture(fixture));
      writeFileSync(path.join(folder.directory, entry), source);
      service = await folder.start({ entry });
    });
    after(async () => {
      if (service?.process.exitCode === null) await service.end();
      folder?.remove();
    });

    const CLAIMS = { sub: 'ada', email: 'ada@acme.example', roles: ['clerk'], scope: 'orders.read orders.write', tenant_id: 'acme' };
    async function recordOf(method: string, token: string, url = '/orders/42'): Promise<JournalledRecord> {
      const id = `r-${asked++}`;
      await send(service.url.replace(/\/$/, '') + url, { method, headers: { authorization: `Bearer ${token}`, 'x-request-id': id } });
      const found = () => folder.records().find(({ request }) => request?.id === id);
      await until(`the record of ${id} is written`, () => found() !== undefined);
      return found() as JournalledRecord;
    }

    it('is whom the service has verified', async () => {
      const { actor, tenant, response, request } = await recordOf('PUT', hs256(SECRET, CLAIMS));
      assert.deepEqual([response?.status, request?.route, tenant?.id], [200, '/orders/:id', 'acme']);
      assert.deepEqual(actor, {
        id: 'ada',
        type: 'user',
        email: 'ada@acme.example',
        roles: ['clerk'],
        scopes: ['orders.read', 'orders.write'],
        tenantId: 'acme',
        source: 'framework',
        verified: true,
      });
    });

    it('is known, with the route, where the service forbids it', async () => {
      const { actor, response, request } = await recordOf('DELETE', hs256(SECRET, CLAIMS));
      assert.deepEqual([response?.status, actor.id, actor.source, actor.verified], [403, 'ada', 'framework', true]);
      assert.equal(request?.route, '/orders/:id');
    });

    if (source === FASTIFY)
      it('is known, with the route, where the input is refused', async () => {
        const { actor, response, request } = await recordOf('PUT', hs256(SECRET, CLAIMS), '/orders/42?page=x');
        assert.deepEqual([response?.status, actor.id, actor.verified, request?.route], [400, 'ada', true, '/orders/:id']);
      });

    it('is claimed where the service refuses the token', async () => {
      const { actor, response } = await recordOf('PUT', hs256('forged', { ...CLAIMS, sub: 'root' }));
      assert.deepEqual([response?.status, actor.id, actor.source, actor.verified], [401, 'root', 'jwt', false]);
    });
  });
}
