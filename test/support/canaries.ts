/** Requests with a secret in every place a client or a handler can put one. The secrets are made up here, and are what a test then looks for. */

import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';

export interface CanaryRequest {
  /** Also its request id, unless it sends one of its own. */
  readonly name: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
  /** What a sink may hold of it: proof that the place was recorded at all. */
  readonly harmless?: string;
}

export interface Canaries {
  readonly requests: readonly CanaryRequest[];
  /** By the place each was put in. */
  readonly secrets: ReadonlyMap<string, string>;
}

const JSON_TYPE = { 'content-type': 'application/json' };

export function makeCanaries(): Canaries {
  const secrets = new Map<string, string>();
  const requests: CanaryRequest[] = [];
  const keep = (place: string, secret: string): string => {
    secrets.set(place, secret);
    return secret;
  };
  /** No pattern knows it: hidden because of what it is called. */
  const named = (place: string): string => keep(place, `hush${randomBytes(6).toString('hex')}`);
  /** Hidden because of what it looks like. */
  const token = (place: string): string => keep(place, `ghp_${randomBytes(27).toString('base64url').replace(/[-_]/g, 'x')}`);
  const jwt = (place: string, claims: object): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.${keep(place, randomBytes(24).toString('base64url'))}`;
  };
  const card = (place: string): string => keep(place, cardNumber());
  const add = (name: string, parts: Partial<CanaryRequest> & { readonly body?: string }): void => {
    const headers = { 'x-request-id': name, ...parts.headers };
    requests.push({ path: '/api/echo', body: '', ...parts, name, headers });
  };

  const nested = { user: { password: named('json key'), card: card('json card') }, list: [{ apiKey: named('json list') }] };
  add('json', { headers: JSON_TYPE, body: JSON.stringify({ kept: 'kept-json', ...nested }), harmless: 'kept-json' });
  const inner = JSON.stringify({ client_secret: named('json in json') });
  add('json-text', {
    headers: JSON_TYPE,
    body: JSON.stringify({ kept: 'kept-in-json', inner, note: token('json text') }),
    harmless: 'kept-in-json',
  });
  const long = { kept: 'kept-long', filler: 'x'.repeat(9_960), password: named('json across the cap') };
  add('json-cut', { headers: JSON_TYPE, body: JSON.stringify(long), harmless: 'kept-long' });
  add('json-broken', { headers: JSON_TYPE, body: `{"kept":1,"password":"${named('broken json')}",` });
  add('json-untyped', {
    body: JSON.stringify({ kept: 'kept-untyped', access_token: named('json without a type') }),
    harmless: 'kept-untyped',
  });
  const form = `kept=kept-form&password=${named('form')}&card=${card('form card')}`;
  add('form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form, harmless: 'kept-form' });
  const text = `kept-text password: ${named('text')} and ${token('text token')}`;
  add('text', { headers: { 'content-type': 'text/plain' }, body: text, harmless: 'kept-text' });
  const xml = `<order><kept>kept-xml</kept><password>${named('xml')}</password></order>`;
  add('xml', { headers: { 'content-type': 'application/xml' }, body: xml, harmless: 'kept-xml' });
  const field = (name: string, value: string): string => `--cut\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const multipart = `${field('kept', 'kept-multipart')}${field('password', named('multipart'))}--cut--\r\n`;
  add('multipart', { headers: { 'content-type': 'multipart/form-data; boundary=cut' }, body: multipart, harmless: 'kept-multipart' });

  const query = `kept=kept-query&token=${named('query')}&next=${encodeURIComponent(`https://x.example/?api_key=${named('url in query')}`)}`;
  add('query', { path: `/api/echo?${query}`, harmless: 'kept-query' });
  add('path', {
    path: `/api/echo/kept-path/${token('path token')}/${card('path card')}/reset/${named('path reset')}`,
    harmless: 'kept-path',
  });

  const basic = Buffer.from(`user:${named('basic')}`).toString('base64');
  add('authorization', {
    headers: { authorization: `Basic ${keep('basic header', basic)}`, 'proxy-authorization': `Bearer ${token('proxy')}` },
  });
  add('bearer', { headers: { authorization: `Bearer ${jwt('signature', { sub: 'kept-subject' })}` }, harmless: 'kept-subject' });
  const claims = {
    sub: 'kept-claims',
    name: `n ${token('name claim')}`,
    azp: token('azp claim'),
    roles: [token('role claim')],
    scope: `read ${token('scope claim')}`,
    groups: [token('group claim')],
    tid: token('tid claim'),
  };
  add('claims', { headers: { authorization: `Bearer ${jwt('claims signature', claims)}` }, harmless: 'kept-claims' });
  add('subject', { headers: { authorization: `Bearer ${jwt('subject signature', { sub: token('subject claim') })}` } });
  add('cookie', { headers: { cookie: `kept=1; sid=${named('cookie')}`, 'x-api-key': named('api key') } });
  add('user-agent', { headers: { 'user-agent': `kept-agent/1.0 (token=${named('user agent')})` }, harmless: 'kept-agent' });
  add('referer', {
    headers: { referer: `https://x.example/kept-referer?token=${named('referer')}`, accept: `*/*;token=${named('accept')}` },
    harmless: 'kept-referer',
  });
  add('content-type', {
    headers: { 'content-type': `text/plain; token=${named('content type')}` },
    body: 'kept-typed',
    harmless: 'kept-typed',
  });
  add('forwarded', { headers: { forwarded: `for=192.0.2.1;secret=${named('forwarded')}` }, harmless: '192.0.2.1' });
  add('tenant', { headers: { 'x-tenant': token('tenant header') } });
  add('request-id', { headers: { 'x-request-id': token('request id') } });
  add('trace', {
    headers: { traceparent: `00-${token('traceparent')}`, tracestate: `a=${token('tracestate')}`, baggage: `token=${named('baggage')}` },
  });

  add('throw', { path: '/api/throw', headers: { 'x-message': `kept-error password=${named('error')}` }, harmless: 'kept-error' });
  const metadata = { kept: 'kept-metadata', password: named('metadata'), note: `see ${token('metadata token')}` };
  add('metadata', { path: '/api/metadata', body: JSON.stringify(metadata), harmless: 'kept-metadata' });
  return { requests, secrets };
}

/** Sixteen digits that pass the check of ISO/IEC 7812. */
function cardNumber(): string {
  const digits = `4${String(randomBytes(6).readUIntBE(0, 6)).padStart(14, '7').slice(0, 14)}`;
  const sum = [...digits].reduce((total, digit, index) => {
    const value = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
