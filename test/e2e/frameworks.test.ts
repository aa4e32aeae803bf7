import { fixtureSource } from '../support/framework-fixtures.js';
import { describeFramework } from '../support/framework-suite.js';

// The other frameworks are in test/frameworks: their packages are no part of this repository's.
describeFramework({
  name: 'plain http',
  service: () => ({ entry: 'server.js', files: { 'server.js': fixtureSource('http', 'server.js') } }),
  route: undefined,
  action: 'order.item.created',
});
describeFramework({
  name: 'Express 5',
  service: () => ({ entry: 'server.js', files: { 'server.js': fixtureSource('express4', 'server.js') }, dependencies: ['express'] }),
  route: '/api/v1/orders/:orderId/items',
  action: 'order.item.created',
});
