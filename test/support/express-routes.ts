/** An Express app with every way of mounting, and the route that each of its requests has: the same for Express 4 and 5. */

import type { RequestListener } from 'node:http';

export interface RouteCase {
  readonly name: string;
  readonly url: string;
  readonly method?: string;
  readonly route: string | undefined;
}

type Handler = (request: { params: object }, response: Answering, next: (error?: unknown) => void) => void;
interface Answering {
  json(value: unknown): void;
  status(code: number): Answering;
}
interface Router {
  use(...parts: readonly unknown[]): Router;
  get(path: string | RegExp | readonly string[], ...handlers: readonly Handler[]): Router;
  post(path: string, ...handlers: readonly Handler[]): Router;
}
export interface ExpressModule {
  (): Router & RequestListener;
  Router(options?: object): Router;
}

const answer: Handler = (request, response) => response.json(request.params);

export function createRoutedApp(express: ExpressModule): RequestListener {
  const app = express();
  const orders = express.Router().get('/', answer).post('/:id/items', answer);
  orders.get('/:id/fail', (_request, _response, next) => next(new Error('no')));
  const api = express.Router().use('/orders', orders);
  const tokens = express.Router().get('/check', answer);
  const inner = express().get('/things/:thing', answer);
  const deep = express.Router().get('/x', answer);
  app.get('/plain/:id', answer);
  app.get(/^\/expression-\d+$/, answer);
  app.use('/api', api);
  app.use('/reset/:token', tokens);
  app.use(/^\/t-[0-9]+/, deep);
  app.use(['/first', '/second/:id'], deep);
  app.use('/wrapped/:id', (request: never, response: never, next: never) => (deep as unknown as Handler)(request, response, next));
  app.use('/tenants/:tenant', inner);
  app.use('/rpc', answer);
  app.use('/keys/:key', answer);
  app.use((_error: unknown, _request: unknown, response: Answering, _next: unknown) => response.status(500).json('failed'));
  return app;
}

export const ROUTE_CASES: readonly RouteCase[] = [
  { name: 'a route of the app', url: '/plain/42?x=1', route: '/plain/:id' },
  { name: 'routers in routers', url: '/api/orders/42/items', method: 'POST', route: '/api/orders/:id/items' },
  { name: 'the root of a router', url: '/api/orders', route: '/api/orders' },
  { name: 'a handler that gives its error to next', url: '/api/orders/42/fail', route: '/api/orders/:id/fail' },
  { name: 'a router mounted at a parameter', url: '/reset/s3cr%65t-t0ken/check', route: '/reset/:token/check' },
  { name: 'one of several mount paths', url: '/first/x', route: '/first/x' },
  { name: 'another of several mount paths', url: '/second/4711/x', route: '/second/:id/x' },
  { name: 'an app in an app', url: '/tenants/acme/things/7', route: '/tenants/:tenant/things/:thing' },
  { name: 'middleware that answers at its mount point', url: '/rpc/order.create', route: '/rpc' },
  { name: 'middleware that answers at a parameter', url: '/keys/s3cret-key', route: '/keys/:key' },
  { name: 'no route: for a route that is an expression', url: '/expression-4711', route: undefined },
  { name: 'no route: for a router mounted at an expression', url: '/t-4711/x', route: undefined },
  { name: 'no route: for a router behind a wrapper', url: '/wrapped/s3cret/x', route: undefined },
  { name: 'no route: where nothing matched', url: '/api/nothing/42', route: undefined },
];
