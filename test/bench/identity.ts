/** What identity and policy cost a request on the main thread; verification and geography apart. */

import type { IncomingMessage } from 'node:http';
import { ruleInForce } from '../../src/capture/claimed-rule.js';
import { redactWho } from '../../src/capture/claims.js';
import { createGeoLookup } from '../../src/capture/geo.js';
import { compilePolicy } from '../../src/capture/policy.js';
import { rememberTexts } from '../../src/capture/remembering.js';
import { createClientLocator } from '../../src/capture/trusted-proxy.js';
import { createIdentities, IDENTITY_SOURCES, type IdentitySettings, TENANT_SOURCES } from '../../src/identity/identities.js';
import { WAIT } from '../../src/identity/identity.js';
import type { AuditActor, AuditTenant } from '../../src/record.js';
import { createRedactor } from '../../src/redaction/index.js';
import { hs256, makeKey, rs256, secondsFromNow } from '../support/tokens.js';

const ROUNDS = 31;
const TIMES = 5000;
const START_MS = Date.now();
const SETTINGS: IdentitySettings = {
  claims: {},
  actorTypeAliases: {},
  sources: IDENTITY_SOURCES,
  tenantSources: TENANT_SOURCES,
  jwt: { issuers: [], audiences: [] },
  easyAuth: false,
  apiKeyHeader: 'x-api-key',
  apiKeyPrefixLength: 0,
  tenantHeader: 'x-tenant',
};
const USER: AuditActor = { id: 'u', type: 'user', verified: false };
const PARTS = { load: () => undefined, warn: console.warn, headerNames: ['x-forwarded-for', 'forwarded'] };

/** 1 KB as an identity provider issues it. */
function claimsOf(index: number): Record<string, unknown> {
  return {
    iss: 'https://login.microsoftonline.com/8d1b7a4e-1111-4222-8333-0123456789ab/v2.0',
    aud: 'api://orders',
    azp: '0c0ffee0-1111-4222-8333-0123456789ab',
    tid: '8d1b7a4e-1111-4222-8333-0123456789ab',
    oid: `5f5e1000-1111-4222-8333-${String(index).padStart(12, '0')}`,
    sub: 'pairwise-subject-of-some-length-0123456789',
    name: 'Ada Lovelace',
    preferred_username: 'ada@acme.example',
    scp: 'Orders.Read Orders.Write',
    roles: ['Orders.Admin', 'Orders.Auditor'],
    exp: secondsFromNow(3600),
    padding: 'x'.repeat(150),
  };
}

function requestOf(token: string): IncomingMessage {
  const headers = {
    host: 'orders.example',
    'user-agent': 'Mozilla/5.0',
    accept: 'application/json',
    'accept-encoding': 'gzip',
    'content-type': 'application/json',
    'content-length': '120',
    authorization: `Bearer ${token}`,
    'x-forwarded-for': '203.0.113.7, 10.0.0.4',
    'x-request-id': 'r-1',
    connection: 'keep-alive',
  };
  return { headers, url: '/api/orders/17?x=1', method: 'POST', socket: {} } as unknown as IncomingMessage;
}

async function main(): Promise<void> {
  const identities = createIdentities(SETTINGS, PARTS);
  const policy = compilePolicy({ rules: [], excludePaths: [] });
  const identify = (message: IncomingMessage, known = identities) => {
    const { headers, url, bearer, verification, certificate } = known.begin(message, START_MS);
    const who = known.who({ headers, url, bearer, verification, certificate, message, isFromProxy: false, words: {} }, true);
    if (who === WAIT) throw new Error('not verified yet');
    return who;
  };
  const decide = ({ headers }: IncomingMessage, actor: AuditActor, tenant: AuditTenant | undefined): void => {
    const begun = policy.atStart({ method: 'POST', rawPath: '/api/orders/17', headers });
    ruleInForce(begun, { route: undefined, status: 200 }, { actor, tenant, isTenantClaimed: false });
  };
  const judge = (message: IncomingMessage, known = identities): void => {
    const { actor, tenant } = identify(message, known);
    decide(message, actor, tenant);
  };
  const seen = requestOf(hs256('secret', claimsOf(0)));
  const token = String(seen.headers.authorization);
  console.log(`token: ${token.length} B`);
  report(
    'identity and policy, token seen before',
    3,
    measure((_time) => judge(seen)),
  );
  report(
    '  identity alone',
    undefined,
    measure(() => identify(seen)),
  );
  report(
    '  policy alone',
    undefined,
    measure(() => decide(seen, USER, { id: 't' })),
  );
  const fresh = Array.from({ length: TIMES }, (_, index) => requestOf(hs256('secret', claimsOf(index))));
  report(
    'identity and policy, new token (decode only)',
    15,
    measure((time) => judge(fresh[time] ?? seen)),
  );
  const anonymous = requestOf('');
  delete anonymous.headers.authorization;
  report(
    'identity and policy, no token',
    3,
    measure(() => judge(anonymous)),
  );

  const key = makeKey('k1');
  const verified = createIdentities({ ...SETTINGS, jwt: { ...SETTINGS.jwt, publicKey: key.pem } }, PARTS);
  const signed = requestOf(rs256(key, claimsOf(1)));
  await verified.begin(signed, Date.now()).verification?.settled;
  report(
    'the same, RS256 token verified before',
    3,
    measure(() => judge(signed, verified)),
  );
  await verification('RS256', verified, (index) => requestOf(rs256(key, claimsOf(index))));
  const shared = createIdentities({ ...SETTINGS, jwt: { ...SETTINGS.jwt, secret: 'secret' } }, PARTS);
  await verification('HS256', shared, (index) => requestOf(hs256('secret', claimsOf(index))));

  const user = Object.assign(requestOf(''), { user: { id: 7, email: 'ada@acme.example', roles: ['admin'], tenantId: 'acme' } });
  report(
    "identity and policy, the framework's user",
    undefined,
    measure(() => judge(user)),
  );
  const who = identify(seen);
  const redactor = rememberTexts(createRedactor());
  report(
    'claims redacted, seen before',
    undefined,
    measure(() => redactWho(who, {}, redactor)),
  );
  const { locate } = createClientLocator({ clientHeader: 'x-forwarded-for', trustProxy: { ranges: ['10.0.0.0/8'] } });
  report(
    'client address behind two proxies',
    undefined,
    measure(() => locate({ address: '10.0.0.1' }, seen.headers)),
  );
  const [, , database] = process.argv;
  if (database === undefined) return;
  const geo = createGeoLookup({ databases: [database], warn: console.warn });
  geo.open();
  report(
    'geography, new address',
    undefined,
    measure((time) => geo.find(`${time % 200}.${(time * 7) % 256}.${time % 256}.1`)),
  );
  report(
    'geography, address seen before',
    undefined,
    measure(() => geo.find('81.2.69.142')),
  );
  geo.close();
}

/** Processor time of the main thread and of the pool, one new token after the other. */
async function verification(
  name: string,
  identities: ReturnType<typeof createIdentities>,
  make: (index: number) => IncomingMessage,
): Promise<void> {
  const requests = Array.from({ length: 300 }, (_, index) => make(index + 10));
  const busyBefore = performance.eventLoopUtilization().active;
  const started = performance.now();
  for (const request of requests) await identities.begin(request, Date.now()).verification?.settled;
  const elapsed = performance.now() - started;
  const busy = performance.eventLoopUtilization().active - busyBefore;
  const each = (ms: number): string => ((ms * 1000) / requests.length).toFixed(0);
  console.log(`verification of a new ${name} token: ${each(elapsed)} µs until known, event loop active at most ${each(busy)} µs`);
}

/** Median microseconds of processor time a call over the rounds, garbage collection included, and the best: others may be busy. */
function measure(work: (time: number) => void): { readonly median: number; readonly best: number } {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (let time = 0; time < TIMES; time += 1) work(time);
    const { user, system } = process.cpuUsage(before);
    samples.push((user + system) / TIMES);
  }
  samples.sort((a, b) => a - b);
  return { median: samples[Math.floor(ROUNDS / 2)] ?? 0, best: samples[0] ?? 0 };
}

function report(name: string, target: number | undefined, { median, best }: { readonly median: number; readonly best: number }): void {
  const verdict = target === undefined ? '' : `   target ${target}: ${median <= target ? 'met' : 'MISSED'}`;
  console.log(`${name.padEnd(48)} ${median.toFixed(2).padStart(7)} µs (best ${best.toFixed(2)})${verdict}`);
}

void main();
