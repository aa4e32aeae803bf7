import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress } from '../../../src/capture/client-address.js';
import { createGeoLookup } from '../../../src/capture/geo.js';
import { type ClientSettings, createClientLocator } from '../../../src/capture/trusted-proxy.js';
import { makeDatabase } from '../../support/mmdb.js';
import { makeDirectory, until } from '../../support/waiting.js';

const PROXIES = { ranges: ['10.0.0.0/8', '127.0.0.1', '2001:db8:f::/48'] };
const FDID = '11111111-2222-4333-8444-555555555555';

function locate(settings: Partial<ClientSettings>, peer: string, headers: Record<string, string> | string) {
  const given = typeof headers === 'string' ? { 'x-forwarded-for': headers } : headers;
  return createClientLocator({ clientHeader: 'x-forwarded-for', ...settings }).locate({ address: peer, port: 1 }, given);
}

/** What the proxies in front did, and what the client's address must come out as. */
const TABLE: readonly [
  name: string,
  settings: Partial<ClientSettings>,
  peer: string,
  headers: Record<string, string> | string,
  expected: object,
][] = [
  ['no trust: the header is nothing', {}, '10.0.0.1', '6.6.6.6', { address: '10.0.0.1', port: 1 }],
  ['a stranger as peer', { trustProxy: PROXIES }, '9.9.9.9', '6.6.6.6', { address: '9.9.9.9', port: 1 }],
  [
    'one trusted proxy, a forged beginning',
    { trustProxy: PROXIES },
    '10.0.0.1',
    '6.6.6.6, 1.2.3.4',
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'a chain of trusted proxies',
    { trustProxy: PROXIES },
    '10.0.0.1',
    '6.6.6.6, 1.2.3.4, 10.1.1.1,10.2.2.2',
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'a chain of trusted proxies only',
    { trustProxy: PROXIES },
    '10.0.0.1',
    '10.1.1.1',
    { address: '10.1.1.1', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'two hops',
    { trustProxy: { hops: 2 } },
    '10.0.0.1',
    '6.6.6.6, 1.2.3.4, 5.6.7.8',
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'one hop, the client sends its own chain',
    { trustProxy: { hops: 1 } },
    '10.0.0.1',
    '127.0.0.1, 6.6.6.6, 1.2.3.4',
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'garbage ends the walk',
    { trustProxy: PROXIES },
    '10.0.0.1',
    '1.2.3.4, unknown, 10.1.1.1',
    { address: '10.1.1.1', port: undefined, peer: '10.0.0.1' },
  ],
  ['an octal address is none', { trustProxy: PROXIES }, '10.0.0.1', '010.1.1.1', { address: '10.0.0.1', port: 1 }],
  ['an address out of range is none', { trustProxy: PROXIES }, '10.0.0.1', '999.1.1.1', { address: '10.0.0.1', port: 1 }],
  [
    'App Service and Application Gateway: address and port',
    { trustProxy: { hops: 1 } },
    '169.254.130.1',
    '1.2.3.4:50123',
    { address: '1.2.3.4', port: 50123, peer: '169.254.130.1' },
  ],
  ['IPv6 with port', { trustProxy: { hops: 1 } }, '10.0.0.1', '[2001:DB8::1]:443', { address: '2001:db8::1', port: 443, peer: '10.0.0.1' }],
  [
    'bare IPv6 with a zone',
    { trustProxy: { hops: 1 } },
    '10.0.0.1',
    'fe80::1%eth0',
    { address: 'fe80::1', port: undefined, peer: '10.0.0.1' },
  ],
  ['IPv4 in IPv6', { trustProxy: { hops: 1 } }, '10.0.0.1', '::ffff:1.2.3.4', { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' }],
  [
    'a proxy in an IPv6 range',
    { trustProxy: PROXIES },
    '2001:db8:f::7',
    '1.2.3.4',
    { address: '1.2.3.4', port: undefined, peer: '2001:db8:f::7' },
  ],
  [
    'Forwarded, where the proxy sets it',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'for=6.6.6.6, for="[2001:db8::7]:4711";proto=https;by=10.0.0.1' },
    { address: '2001:db8::7', port: 4711, peer: '10.0.0.1' },
  ],
  [
    'Forwarded with an obfuscated name',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'for=_hidden' },
    { address: '10.0.0.1', port: 1 },
  ],
  [
    'Forwarded whose proxy repeats a host name that the client made up',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'for=1.2.3.4;host="x, for=6.6.6.6;by=y"' },
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'Forwarded whose proxy puts that host name first',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'host="x\\", for=6.6.6.6;for=7.7.7.7;by=\\"";for=1.2.3.4' },
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'Forwarded after a quote that the client has left open',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'for=6.6.6.6;host=", for="[2001:db8::7]:4711"' },
    { address: '2001:db8::7', port: 4711, peer: '10.0.0.1' },
  ],
  [
    'Forwarded with spaces and capitals',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'Proto=https; For="1.2.3.4:443"' },
    { address: '1.2.3.4', port: 443, peer: '10.0.0.1' },
  ],
  [
    'Forwarded with two addresses in one element',
    { trustProxy: { hops: 1 }, clientHeader: 'forwarded' },
    '10.0.0.1',
    { forwarded: 'for=6.6.6.6;for=1.2.3.4' },
    { address: '10.0.0.1', port: 1 },
  ],
  [
    'IPv4 in IPv6 by its digits',
    { trustProxy: PROXIES },
    '::ffff:a00:1',
    '1.2.3.4',
    { address: '1.2.3.4', port: undefined, peer: '::ffff:a00:1' },
  ],
  [
    "Forwarded of the client beside the proxy's X-Forwarded-For",
    { trustProxy: { hops: 1 } },
    '10.0.0.1',
    { forwarded: 'for=6.6.6.6', 'x-forwarded-for': '1.2.3.4' },
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'Front Door with the right id',
    { frontDoorId: FDID },
    '10.0.0.1',
    { 'x-azure-fdid': FDID, 'x-azure-socketip': '1.2.3.4', 'x-azure-clientip': '6.6.6.6', 'x-forwarded-for': '6.6.6.6, 7.7.7.7' },
    { address: '1.2.3.4', port: undefined, peer: '10.0.0.1' },
  ],
  [
    'Front Door of somebody else',
    { frontDoorId: FDID },
    '10.0.0.1',
    { 'x-azure-fdid': FDID.replace('1', '2'), 'x-azure-socketip': '6.6.6.6' },
    { address: '10.0.0.1', port: 1 },
  ],
  [
    'a stranger who knows the Front Door id',
    { frontDoorId: FDID, trustProxy: PROXIES },
    '9.9.9.9',
    { 'x-azure-fdid': FDID, 'x-azure-socketip': '6.6.6.6' },
    { address: '9.9.9.9', port: 1 },
  ],
];

describe("the client's address", () => {
  for (const [name, settings, peer, headers, expected] of TABLE) {
    it(`is right behind ${name}`, () => assert.deepEqual(locate(settings, peer, headers), expected));
  }

  it('is an address whatever the headers hold, and the peer unless a trusted proxy told another', () => {
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())).map((list) => list.join(',')),
    );
    fc.assert(
      fc.property(header, fc.oneof(fc.ipV4(), fc.ipV6()), fc.constantFrom('x-forwarded-for', 'forwarded'), (text, peer, clientHeader) => {
        const address = canonicalAddress(peer) ?? '';
        const found = locate({ trustProxy: { hops: 3 }, clientHeader }, address, { [clientHeader]: text });
        assert.notEqual(isIP(found.address ?? ''), 0);
        assert.equal(locate({ clientHeader }, address, { [clientHeader]: text }).address, address);
      }),
      { numRuns: 500 },
    );
  });
});

describe('geography', () => {
  const CITY = { country: { iso_code: 'NL' }, subdivisions: [{ iso_code: 'UT' }], city: { names: { en: 'Utrecht' } } };

  it('comes from all files, for IPv4 and IPv6', (test) => {
    const directory = makeDirectory();
    const files = [path.join(directory, 'city.mmdb'), path.join(directory, 'asn.mmdb')];
    writeFileSync(files[0] ?? '', makeDatabase({ '203.0.113.0/24': CITY, '2001:db8::/32': { country_code: 'DE' } }));
    writeFileSync(files[1] ?? '', makeDatabase({ '203.0.113.0/25': { autonomous_system_number: 64496 } }));
    const warnings: string[] = [];
    const geo = createGeoLookup({ databases: files, warn: (message) => warnings.push(message) });
    assert.equal(geo.find('203.0.113.7'), undefined);
    geo.open();
    test.after(() => geo.close());
    for (let time = 0; time < 2; time += 1) {
      assert.deepEqual(geo.find('203.0.113.200'), { country: 'NL', region: 'UT', city: 'Utrecht', asn: undefined });
      assert.deepEqual(geo.find('2001:db8::7'), { country: 'DE', region: undefined, city: undefined, asn: undefined });
      assert.equal(geo.find('192.0.2.1'), undefined);
      assert.equal(geo.find('no address'), undefined);
    }
    assert.deepEqual(warnings, []);
  });

  it('follows the replacement of a file, and keeps the old one while the new is broken', async (test) => {
    const directory = makeDirectory();
    const file = path.join(directory, 'geo.mmdb');
    const replace = (content: Buffer): void => {
      writeFileSync(`${file}.new`, content);
      renameSync(`${file}.new`, file);
    };
    replace(makeDatabase({ '203.0.113.0/24': CITY }));
    const warnings: string[] = [];
    const geo = createGeoLookup({ databases: [file], warn: (message) => warnings.push(message), watchMs: 20 });
    geo.open();
    test.after(() => geo.close());
    assert.equal(geo.find('203.0.113.7')?.country, 'NL');
    replace(Buffer.from('not a database'));
    await until('the broken file is noticed', () => warnings.length > 0);
    assert.match(warnings[0] ?? '', /^AUDIT_GEOIP_DATABASE: .* what was read before stays in use/);
    assert.equal(geo.find('203.0.113.7')?.country, 'NL');
    replace(makeDatabase({ '203.0.113.0/24': { country_code: 'BE' } }));
    await until('the new file is read', () => geo.find('203.0.113.7')?.country === 'BE');
  });
});
