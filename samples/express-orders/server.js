// An ordinary Express service for orders. Not one line of it is about auditing.

const { createHmac, randomUUID, timingSafeEqual } = require('node:crypto');
const express = require('express');

const SECRET = process.env.JWT_SECRET ?? 'sample-secret';
const USERS = { 'ada@acme.example': 'correct horse', 'grace@globex.example': 'battery staple' };
const orders = new Map();

const app = express();
app.disable('x-powered-by');
app.use(express.json());
app.use(express.urlencoded({ extended: false }));

app.get('/health', (_req, res) => res.json({ ok: true }));

app.post('/api/login', (req, res) => {
  const { email, password } = req.body ?? {};
  if (USERS[email] !== password || password === undefined) return res.status(401).json({ error: 'wrong e-mail or password' });
  res.json({ token: sign({ sub: `user-${email.split('@')[0]}`, email }), expiresIn: 3600 });
});

const api = express.Router();
app.use('/api', authenticate, api);

api.get('/orders', (req, res) => {
  res.json([...orders.values()].filter((order) => order.tenant === req.user.tenant_id));
});

api.post('/orders', (req, res) => {
  const { item, quantity, payment } = req.body ?? {};
  if (typeof item !== 'string' || !(quantity > 0)) return res.status(422).json({ error: 'an order needs an item and a quantity' });
  const order = { id: randomUUID(), tenant: req.user.tenant_id, item, quantity, status: 'open', paid: payment !== undefined };
  orders.set(order.id, order);
  res.status(201).location(`/api/orders/${order.id}`).json(order);
});

api.get('/orders/export', (_req, res) => {
  res.type('text/csv').write('id,item,quantity\n');
  const timer = setInterval(() => res.write(`${randomUUID()},anvil,1\n`), 5);
  res.on('close', () => clearInterval(timer));
});

api.get('/orders/:id', withOrder, (req, res) => res.json(req.order));

api.patch('/orders/:id', withOrder, (req, res) => {
  Object.assign(req.order, { quantity: req.body.quantity ?? req.order.quantity, note: req.body.note });
  res.json(req.order);
});

api.post('/orders/:id/cancel', withOrder, (req, res) => {
  req.order.status = 'cancelled';
  res.json(req.order);
});

api.delete('/orders/:id', withOrder, (req, res) => {
  if (req.user.actor_type !== 'admin') return res.status(403).json({ error: 'only an admin may delete orders' });
  orders.delete(req.order.id);
  res.status(204).end();
});

api.post('/reports', (_req, _res) => {
  throw new Error('the report engine is out of order');
});

app.use((_req, res) => res.status(404).json({ error: 'not found' }));
app.use((error, _req, res, _next) => res.status(error.status ?? 500).json({ error: error.expose ? error.message : 'internal error' }));

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`orders on http://127.0.0.1:${server.address().port}`);
});
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}

function withOrder(req, res, next) {
  req.order = orders.get(req.params.id);
  if (req.order === undefined || req.order.tenant !== req.user.tenant_id) return res.status(404).json({ error: 'no such order' });
  next();
}

function authenticate(req, res, next) {
  const [, token] = /^Bearer (.+)$/.exec(req.headers.authorization ?? '') ?? [];
  req.user = token && verify(token);
  if (!req.user) return res.status(401).json({ error: 'sign in first' });
  next();
}

function sign(claims) {
  const payload = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${payload}.${createHmac('sha256', SECRET).update(payload).digest('base64url')}`;
}

function verify(token) {
  const [header, claims, signature = ''] = token.split('.');
  const expected = createHmac('sha256', SECRET).update(`${header}.${claims}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(claims, 'base64url').toString());
}
