import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
];

describe('actionOf', () => {
  for (const [method, path, route, action, type, id] of TABLE) {
    it(`names ${method} ${path.slice(0, 60)} ${action}`, () => {
      const derived = actionOf(method, path, route);
      assert.equal(derived.action, action);
      assert.deepEqual({ type: derived.target?.type, id: derived.target?.id }, { type, id });
    });
  }
});
