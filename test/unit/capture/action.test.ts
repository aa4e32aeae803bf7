import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { actionOf } from '../../../src/capture/action.js';

const TABLE: readonly [method: string, path: string, route: string | undefined, action: string, type?: string, id?: string][] = [
  ['POST', '/api/orders', undefined, 'order.created', 'order'],
  ['GET', '/api/v2/orders/42', undefined, 'order.accessed', 'order', '42'],
  ['PUT', '/orders/42', '/orders/:id', 'order.updated', 'order', '42'],
  ['PATCH', '/orders/abc', '/orders/{id}', 'order.updated', 'order', 'abc'],
  ['DELETE', '/orders/018f2c3e-8a6b-7c4d-9e0f-112233445566', undefined, 'order.deleted', 'order', '018f2c3e-8a6b-7c4d-9e0f-112233445566'],
  ['HEAD', '/people', undefined, 'person.accessed', 'person'],
  ['POST', '/users/1/orders', undefined, 'user.order.created', 'user', '1'],
  ['POST', '/orders/1/cancel', '/orders/:id/cancel', 'order.cancel', 'order', '1'],
  ['GET', '/', undefined, 'root.accessed'],
  ['GET', '/categories/', undefined, 'category.accessed', 'category'],
  ['PROPFIND', '/files', undefined, 'file.propfind', 'file'],
  ['GET', '/users/ada@example.org', undefined, 'user.accessed', 'user', 'ada@example.org'],
  ['GET', `/tokens/${'x'.repeat(60)}`, undefined, 'token.accessed', 'token', 'x'.repeat(60)],
  ['GET', '/invoices/INV-2026-0001', undefined, 'invoice.accessed', 'invoice', 'INV-2026-0001'],
  ['POST', '/login', undefined, 'login.created', 'login'],
  ['GET', '/a%2', undefined, 'root.accessed'],
  // What is an id is known from the route.
  ['GET', '/users/alice', '/users/:name', 'user.accessed', 'user', 'alice'],
  ['GET', '/users/orders/7', '/users/orders/:id', 'user.order.accessed', 'order', '7'],
  ['GET', '/files/order-42', '/files/order-:id', 'file.accessed', 'file', 'order-42'],
  ['GET', '/orders/5', '/orders{/:id}', 'order.accessed', 'order', '5'],
  ['POST', '/v1/orders/42:cancel', '/v1/orders/:id\\:cancel', 'order.cancel', 'order', '42'],
  ['GET', '/42', '/:id', 'root.accessed'],
  ['GET', '/acme/anvils', '/:owner/:repo', 'root.accessed'],
  // Without one, whatever does not stand where a name stands is an id.
  ['GET', '/users/alice', undefined, 'user.accessed', 'user', 'alice'],
  ['GET', '/users/james', undefined, 'user.accessed', 'user', 'james'],
  ['GET', '/user/alice', undefined, 'user.accessed', 'user', 'alice'],
  ['GET', '/articles/how-to-cook-rice', undefined, 'article.accessed', 'article', 'how-to-cook-rice'],
  ['GET', '/teams/platform/members/alice', undefined, 'team.member.accessed', 'member', 'alice'],
  ['GET', '/customers/cus_NffrFeUfNVHib', undefined, 'customer.accessed', 'customer', 'cus_NffrFeUfNVHib'],
  ['GET', '/orders/A7', undefined, 'order.accessed', 'order', 'A7'],
  ['GET', '/files/a/b/report.pdf', undefined, 'file.accessed', 'file', 'a'],
  ['GET', '/Orders(42)', undefined, 'order.accessed', 'order', '42'],
  ['GET', '/Orders(42)/Items', undefined, 'order.item.accessed', 'order', '42'],
  ['GET', '/orders;session=abc/7', undefined, 'order.accessed', 'order', '7'],
  ['GET', '/users/[REDACTED]', undefined, 'user.accessed', 'user', '[REDACTED]'],
  ['GET', '/users/@alice', undefined, 'user.accessed', 'user', '@alice'],
  ['POST', '/v1/orders/42:cancel', undefined, 'order.cancel', 'order', '42'],
  ['POST', '/orders:batchCreate', undefined, 'order.batch-create', 'order'],
  // Verbs.
  ['POST', '/orders/1/escalate-now', undefined, 'order.escalate-now', 'order', '1'],
  ['PUT', '/users/1/activate', undefined, 'user.activate', 'user', '1'],
  ['POST', '/users/alice/suspend', undefined, 'user.suspend', 'user', 'alice'],
  ['POST', '/auth/login', undefined, 'auth.login', 'auth'],
  ['GET', '/orders/export', undefined, 'order.export', 'order'],
  ['DELETE', '/repos/1/lock', undefined, 'repo.lock.deleted', 'repo', '1'],
  ['POST', '/users/1/avatar', undefined, 'user.avatar.created', 'user', '1'],
  ['POST', '/users/1/subscription', undefined, 'user.subscription.created', 'user', '1'],
  ['PUT', '/users/1/password', undefined, 'user.password.updated', 'user', '1'],
  // Prefixes and versions.
  ['GET', '/api/v1beta1/people/7', undefined, 'person.accessed', 'person', '7'],
  ['GET', '/internal/api/v2/orders/7', undefined, 'internal.order.accessed', 'order', '7'],
  ['GET', '/rest/v1.1/admin/users', undefined, 'admin.user.accessed', 'admin'],
  ['GET', '/api', undefined, 'root.accessed'],
  // Plurals.
  ['GET', '/statuses/9', undefined, 'status.accessed', 'status', '9'],
  ['GET', '/order-items/9', undefined, 'order-item.accessed', 'order-item', '9'],
  ['GET', '/orderItems/9', undefined, 'order-item.accessed', 'order-item', '9'],
  ['GET', '/caches/9', undefined, 'cache.accessed', 'cache', '9'],
  ['GET', '/data/9', undefined, 'data.accessed', 'data', '9'],
  ['GET', '/analyses/9', undefined, 'analysis.accessed', 'analysis', '9'],
  ['GET', '/sms/9', undefined, 'sms.accessed', 'sms', '9'],
  ['GET', '/news/9', undefined, 'news.accessed', 'news', '9'],
];

describe('actionOf', () => {
  for (const [method, path, route, action, type, id] of TABLE) {
    it(`names ${method} ${path.slice(0, 60)} ${action}`, () => {
      const derived = actionOf(method, path, route);
      assert.equal(derived.action, action);
      assert.deepEqual({ type: derived.target?.type, id: derived.target?.id }, { type, id });
    });
  }

  it('looks no deeper than any route goes', () => {
    const deep = `/orders/42${'/x'.repeat(100)}`;
    assert.deepEqual(actionOf('POST', `${deep}/cancel`, undefined), actionOf('POST', deep, undefined));
  });

  it('keeps the id out of the name, whatever it is made of', () => {
    const id = fc.oneof(
      fc.uuid(),
      fc.ulid(),
      fc.string({ minLength: 1 }).map(encodeURIComponent),
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[/?#;:]/.test(text)),
      fc.base64String({ minLength: 4 }).map((text) => text.replace(/[/+=]/g, '_')),
    );
    const of = (value: string) => actionOf('GET', `/orders/${value}`, undefined).action;
    fc.assert(
      fc.property(
        id.filter((value) => !NAMES.test(value)),
        (value) => assert.equal(of(value), 'order.accessed'),
      ),
    );
    fc.assert(fc.property(id, (value) => assert.match(actionOf('PUT', `/a/${value}`, '/a/:id').action, /^a\.updated$/)));
  });
});

/** Words of the vocabulary, versions, and texts that are more than one segment or none. */
const NAMES = /^(?:v\d|api$|rest$|\.*$)|[/:;()]|^[a-z-]{2,}$/i;
