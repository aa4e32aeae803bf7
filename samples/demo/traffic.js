// Some hundred real requests, as two companies' users, an admin, a machine and a stranger would send them.
'use strict';

const { createHmac } = require('node:crypto');
const http = require('node:http');

const SECRET = 'sample-secret';

/** @param {string} url @returns {Promise<{ sent: number, showcase: string }>} */
async function sendTraffic(url) {
  const call = caller(url);
  const people = {
    ada: token({
      sub: 'user-ada',
      email: 'ada@acme.example',
      name: 'Ada',
      actor_type: 'customer',
      tenant_id: 'acme',
      tenant_slug: 'acme-inc',
    }),
    grace: token({
      sub: 'user-grace',
      email: 'grace@globex.example',
      name: 'Grace',
      actor_type: 'customer',
      tenant_id: 'globex',
      tenant_slug: 'globex',
    }),
    root: token({
      sub: 'user-root',
      email: 'root@acme.example',
      name: 'Root',
      actor_type: 'admin',
      tenant_id: 'acme',
      tenant_slug: 'acme-inc',
    }),
    // What Entra ID issues to an application: no scopes, roles, and its own object id as subject.
    billing: token({
      tid: 'acme',
      oid: 'app-billing',
      sub: 'app-billing',
      appid: 'billing-job',
      roles: ['Orders.Read'],
      tenant_id: 'acme',
    }),
  };

  for (const [email, password] of [
    ['ada@acme.example', 'correct horse'],
    ['grace@globex.example', 'battery staple'],
  ]) {
    await call('POST', '/api/login', { body: { email, password } });
  }
  for (let attempt = 0; attempt < 5; attempt += 1)
    await call('POST', '/api/login', { body: { email: 'ada@acme.example', password: `guess-${attempt}` } });
  await call('POST', '/api/login', { form: 'email=ada%40acme.example&password=hunter2' });

  const created = [];
  for (let index = 0; index < 40; index += 1) {
    const as = index % 3 === 0 ? people.grace : people.ada;
    const { body } = await call('POST', '/api/orders', {
      as,
      body: { item: ['anvil', 'rocket', 'magnet'][index % 3], quantity: 1 + (index % 5) },
    });
    created.push({ as, id: body.id });
  }
  const showcase = await call('POST', '/api/orders?coupon=SPRING&api_key=sk-sample-123', {
    as: people.ada,
    requestId: 'demo-showcase-1',
    body: {
      item: 'giant spring',
      quantity: 1,
      payment: { card_number: '4111 1111 1111 1111', cvv: '123', holder: 'Ada' },
      account: { user: 'ada', passWord: 'correct horse', backup: '{"api_key":"sk-sample-456"}' },
      note: 'call with Authorization: Bearer abcdefghijklmnop if in doubt',
    },
  });
  await Promise.all(created.map(({ as, id }, index) => call(...changeOf(index, as, id, people))));
  for (let index = 0; index < 30; index += 1) await call('GET', '/api/orders', { as: index % 2 === 0 ? people.billing : people.grace });
  await call('GET', `/api/orders/${created[0].id}`, { as: people.ada });
  await call('POST', '/api/orders', { as: people.ada, body: { item: 7 } });
  await call('POST', '/api/orders', { as: people.ada, raw: '{"item": "anvil", "password": "half a bo' });
  await call('POST', '/api/reports', { as: people.root, body: { month: '2026-10' } });
  await call('GET', '/api/orders');
  await call('GET', '/api/orders', { as: forged() });
  await call('GET', '/wp-login.php');
  for (let index = 0; index < 10; index += 1) await call('GET', '/health');
  await call('GET', '/api/orders/export', { as: people.grace, abortAfterMs: 40 });
  return { sent: call.count(), showcase: showcase.requestId };
}

function changeOf(index, as, id, people) {
  if (index % 4 === 0) return ['PATCH', `/api/orders/${id}`, { as, body: { quantity: 9, note: 'my ssn is 536-90-4399' } }];
  if (index % 4 === 1) return ['POST', `/api/orders/${id}/cancel`, { as, body: {} }];
  if (index % 4 === 2) return ['DELETE', `/api/orders/${id}`, { as }];
  return ['DELETE', `/api/orders/${id}`, { as: people.root }];
}

function token(claims) {
  const payload = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${payload}.${createHmac('sha256', SECRET).update(payload).digest('base64url')}`;
}

/** Somebody claims to be the admin and cannot sign it. */
function forged() {
  const parts = token({ sub: 'user-root', actor_type: 'admin', tenant_id: 'acme' }).split('.');
  return [...parts.slice(0, 2), Buffer.from('no key').toString('base64url')].join('.');
}

function caller(url) {
  let count = 0;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const call = (method, path, { as, body, form, raw, requestId, abortAfterMs } = {}) =>
    new Promise((resolve, reject) => {
      count += 1;
      const payload = raw ?? form ?? (body === undefined ? undefined : JSON.stringify(body));
      const headers = { 'user-agent': 'otel-audit-demo/1.0' };
      if (payload !== undefined) headers['content-type'] = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
      if (payload !== undefined) headers['content-length'] = Buffer.byteLength(payload);
      if (as !== undefined) headers.authorization = `Bearer ${as}`;
      if (requestId !== undefined) headers['x-request-id'] = requestId;
      const request = http.request(url + path, { method, headers, agent: abortAfterMs === undefined ? agent : false }, (response) => {
        if (abortAfterMs !== undefined) setTimeout(() => response.destroy(), abortAfterMs);
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('close', () =>
          resolve({
            status: response.statusCode,
            requestId: response.headers['x-request-id'],
            body: parse(Buffer.concat(chunks).toString()),
          }),
        );
        response.on('error', () => {});
      });
      request.on('error', reject);
      request.end(payload);
    });
  call.count = () => count;
  return call;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

module.exports = { sendTraffic };
