import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { operationOf } from '../../../src/capture/operation.js';

const graphql = (query: string, operationName?: string): string | undefined =>
  operationOf({ path: '/graphql', route: undefined, query: undefined, body: JSON.stringify({ query, operationName }) });

describe('a GraphQL operation', () => {
  const TABLE: readonly [query: string, action: string | undefined, operationName?: string][] = [
    ['mutation { createOrder(input: { item: "a" }) { id } }', 'mutation.createOrder'],
    ['mutation Harmless($i: In! = {a: 1}) @live { deleteAll(i: $i) }', 'mutation.deleteAll'],
    ['{ me { name } }', 'query.me'],
    ['query { a: secretThings b: other(x: [1, {y: ")"}]) @skip(if: false) { id } }', 'query.secretThings+other'],
    ['subscription S { orderChanged }', 'subscription.orderChanged'],
    [
      'mutation { ...F } fragment F on Mutation { deleteAll ...G } fragment G on Mutation { dropTenant ...F }',
      'mutation.deleteAll+dropTenant',
    ],
    ['mutation { ... on Mutation { deleteAll } ... @include(if: true) { other } }', 'mutation.deleteAll+other'],
    ['query A { a } mutation B { b }', 'mutation.b', 'B'],
    ['query A { a } mutation B { b }', undefined],
    ['query A { a }', undefined, 'B'],
    ['# { fake }\n"""doc { fake }""" mutation { real(s: """ } { "fake" """) }', undefined],
    ['mutation { real(s: """ } { "fake" \\""" """, t: "} fake \\" {") }', 'mutation.real'],
    ['mutation { unfinished', undefined],
    ['type Query { a: Int }', undefined],
    ['', undefined],
  ];
  for (const [query, action, operationName] of TABLE) {
    it(`names ${query.slice(0, 70).replaceAll('\n', ' ')} ${action}`, () => assert.equal(graphql(query, operationName), action));
  }

  it('is read from the query string of a GET, and from every part of a batch', () => {
    const query = new URLSearchParams({ query: '{ me }' }).toString();
    assert.equal(operationOf({ path: '/api/graphql', route: undefined, query, body: undefined }), 'query.me');
    const batch = (queries: readonly string[]) =>
      operationOf({ path: '/graphql', route: undefined, query: undefined, body: JSON.stringify(queries.map((one) => ({ query: one }))) });
    assert.equal(batch(['{ me }', 'mutation { pay }']), 'query.me+mutation.pay');
    assert.equal(batch(['{ me }', 'mutation { unfinished']), undefined);
  });

  it('is looked for under its own path only: a body renames nothing else', () => {
    const body = JSON.stringify({ query: 'mutation { harmless }' });
    assert.equal(operationOf({ path: '/orders', route: undefined, query: undefined, body }), undefined);
    assert.equal(operationOf({ path: '/graphql', route: '/orders/:id', query: undefined, body }), undefined);
  });

  it('names nothing, quickly, where the document is hostile', () => {
    const hostile = [
      `mutation {${'...{'.repeat(200_000)}`,
      `mutation {${'...{'.repeat(100_000)} a ${'}'.repeat(100_001)}`,
      `mutation { ...f0 } ${Array.from({ length: 30_000 }, (_, n) => `fragment f${n} on M { ...f${n + 1} }`).join(' ')}`,
      `mutation { ...{ ${'a '.repeat(400_000)} } }`,
      `mutation ${'('.repeat(500_000)}`,
      `{${'"""'.repeat(200_000)}`,
      '#'.repeat(900_000),
    ];
    for (const document of hostile) {
      const started = performance.now();
      graphql(document);
      assert.ok(performance.now() - started < 2000, document.slice(0, 30));
    }
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}()[]:.@"# \\nab', '...', 'mutation', 'fragment', 'on', '"""') }),
        (text) => void graphql(text),
      ),
    );
  });
});

describe('a tRPC procedure', () => {
  const trpc = (path: string) => operationOf({ path, route: undefined, query: undefined, body: undefined });
  it('is its path', () => {
    assert.equal(trpc('/api/trpc/order.create'), 'order.create');
    assert.equal(trpc('/trpc/order.create,user.get'), 'order.create+user.get');
    assert.equal(trpc('/trpc/order.create%2Cuser.get'), 'order.create+user.get');
    assert.equal(trpc('/trpc/order.42'), undefined);
    assert.equal(trpc('/trpc/%00'), undefined);
    assert.equal(trpc('/orders'), undefined);
  });
});
