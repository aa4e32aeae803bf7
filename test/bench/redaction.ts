/** How long the redaction of a JSON body takes, against parse, walk and stringify; and whether it stays linear. */

import { createRedactor } from '../../src/redaction/index.js';

const ROUNDS = 15;
const TARGETS = [
  { name: '1 KB, 2 secrets', bytes: 1_000, secrets: 2, maxMicroseconds: 8, minRatio: 3 },
  { name: '10 KB, 20 secrets', bytes: 10_000, secrets: 20, maxMicroseconds: 60, minRatio: 3 },
  { name: '1 KB, no secret', bytes: 1_000, secrets: 0, maxMicroseconds: undefined, minRatio: 5 },
  { name: '10 KB, no secret', bytes: 10_000, secrets: 0, maxMicroseconds: undefined, minRatio: 5 },
] as const;

const redactor = createRedactor();
const SENSITIVE = new Set(['password', 'token', 'secret', 'authorization', 'apikey', 'cookie', 'ssn', 'pin', 'cvv', 'session']);

function main(): void {
  console.log('case                 ours µs   parse+walk+stringify µs   ratio   target');
  for (const target of TARGETS) {
    const bytes = Buffer.from(bodyOf(target.bytes, target.secrets));
    const [ours, theirs] = interleave(
      [() => redactor.body({ bytes, contentType: 'application/json', truncated: false }), () => walkAll(bytes)],
      Math.ceil(2_000_000 / target.bytes),
    );
    const ratio = (theirs ?? 0) / (ours ?? 1);
    const met = ratio >= target.minRatio && (target.maxMicroseconds === undefined || (ours ?? 0) <= target.maxMicroseconds);
    const wanted = `${target.maxMicroseconds === undefined ? '' : `<= ${target.maxMicroseconds} µs, `}>= ${target.minRatio}x ${met ? 'met' : 'MISSED'}`;
    console.log(`${`${target.name} (${bytes.length} B)`.padEnd(28)} ${fixed(ours)}   ${fixed(theirs)}   ${ratio.toFixed(1)}x   ${wanted}`);
  }
  console.log('\nadversarial              10 KB ns/byte   10 MB ns/byte   factor');
  for (const [name, make] of Object.entries(ADVERSARIAL)) {
    const small = Buffer.from(make(10_000));
    const large = Buffer.from(make(10_000_000));
    const [few] = interleave([() => redactor.body({ bytes: small, contentType: 'application/json', truncated: false })], 20);
    const started = process.hrtime.bigint();
    redactor.body({ bytes: large, contentType: 'application/json', truncated: false });
    const many = Number(process.hrtime.bigint() - started) / 1000;
    const perByte = ((few ?? 0) * 1000) / small.length;
    const perByteLarge = (many * 1000) / large.length;
    console.log(
      `${name.padEnd(24)} ${perByte.toFixed(1).padStart(10)} ${perByteLarge.toFixed(1).padStart(15)} ${(perByteLarge / perByte).toFixed(2).padStart(10)}`,
    );
  }
}

/** Median microseconds a call of each, rounds interleaved so that noise meets all alike. */
function interleave(runs: readonly (() => unknown)[], times: number): readonly number[] {
  const samples = runs.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    runs.forEach((run, index) => {
      const started = process.hrtime.bigint();
      for (let time = 0; time < times; time++) run();
      samples[index]?.push(Number(process.hrtime.bigint() - started) / 1000 / times);
    });
  }
  return samples.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0);
}

function fixed(value: number | undefined): string {
  return (value ?? 0).toFixed(1).padStart(8);
}

function walkAll(bytes: Buffer): string {
  return JSON.stringify(walk(JSON.parse(bytes.toString('utf8'))));
}

/** The least that finds `pass_word` and `api-key`. */
function walk(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(walk);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value))
    copy[key] = SENSITIVE.has(key.toLowerCase().replace(/[^a-z0-9]/g, '')) ? '[REDACTED]' : walk(member);
  return copy;
}

function bodyOf(bytes: number, secrets: number): string {
  const items: object[] = [];
  for (let index = 0; JSON.stringify(order(items, secrets)).length < bytes; index++) items.push(item(index));
  return JSON.stringify(order(items, secrets));
}

function order(items: readonly object[], secrets: number): object {
  const hidden = Array.from({ length: secrets }, (_, index) => ({ [index % 2 === 0 ? 'password' : 'token']: `hunter2-${index}-abcdef` }));
  return {
    orderId: '0198c2f4-7a31-7c55-9a8e-3b1f0e6d2c11',
    createdAt: '2026-03-01T12:34:56.789Z',
    customer: { name: 'Ada Lovelace', email: 'ada@example.com', country: 'GB', address: '12 St James Square, London' },
    status: 'open',
    note: 'Please leave the parcel with the neighbour, and ring twice.',
    ...(secrets > 0 ? { login: secrets > 2 ? hidden : Object.assign({}, ...hidden) } : {}),
    items,
  };
}

function item(index: number): object {
  return {
    sku: `SKU-${index}`,
    title: 'A fine wooden chair',
    quantity: (index % 7) + 1,
    unitPrice: 19.99 + index,
    inStock: index % 2 === 0,
    tags: ['home', 'wood'],
  };
}

const ADVERSARIAL: Readonly<Record<string, (bytes: number) => string>> = {
  'open brackets': (bytes) => '['.repeat(bytes),
  'open objects': (bytes) => '{"a":'.repeat(bytes / 5),
  'array of ones': (bytes) => `[${'1,'.repeat(bytes / 2)}1]`,
  'distinct keys': (bytes) => `{${Array.from({ length: bytes / 12 }, (_, index) => `"k${index}":${index % 10}`).join(',')}}`,
  'sensitive keys': (bytes) => `{${'"password":"x",'.repeat(bytes / 15)}"a":1}`,
  'long digits': (bytes) => `{"a":"${'4111 '.repeat(bytes / 5)}"}`,
  'digits, no break': (bytes) => `{"a":"${'4'.repeat(bytes)}"}`,
  'long number': (bytes) => `{"a":${'4'.repeat(bytes)}}`,
  'eyJ eyJ': (bytes) => `{"a":"${'eyJ'.repeat(bytes / 3)}"}`,
  'eyJ. eyJ.': (bytes) => `{"a":"${'eyJ.'.repeat(bytes / 4)}"}`,
  'equals signs': (bytes) => `{"a":"${'a='.repeat(bytes / 2)}"}`,
  'password=': (bytes) => `{"a":"${'password= '.repeat(bytes / 10)}"}`,
  'quotes in text': (bytes) => `{"a":"${'password=\\" '.repeat(bytes / 12)}"}`,
  slashes: (bytes) => `{"a":"${'//'.repeat(bytes / 2)}"}`,
  urls: (bytes) => `{"a":"${'http://a:b@c '.repeat(bytes / 13)}"}`,
  'pem begins': (bytes) => `{"a":"${'-----BEGIN '.repeat(bytes / 11)}"}`,
  dashes: (bytes) => `{"a":"${'-'.repeat(bytes)}"}`,
  backslashes: (bytes) => `{"a":"${'\\\\'.repeat(bytes / 2)}"}`,
  'open tags': (bytes) => `{"a":"${'<a>'.repeat(bytes / 3)}"}`,
  'close tags': (bytes) => `{"a":"<b>${'</a>'.repeat(bytes / 4)}"}`,
  'tag quotes': (bytes) => `{"a":"<b ${"x=' ".repeat(bytes / 4)}"}`,
  ibans: (bytes) => `{"a":"${'DE89 3704 '.repeat(bytes / 10)}"}`,
  bearers: (bytes) => `{"a":"${'bearer bearer '.repeat(bytes / 14)}"}`,
  'nested strings': (bytes) => JSON.stringify({ a: JSON.stringify({ a: JSON.stringify({ a: 'x"'.repeat(bytes / 20) }) }) }),
  'long key': (bytes) => `{"${'a_'.repeat(bytes / 2)}":1}`,
  'long plain key': (bytes) => `{"${'secretary'.repeat(bytes / 9)}":1}`,
  'is is is': (bytes) => `{"a":"${'pin is '.repeat(bytes / 7)}"}`,
  ampersands: (bytes) => `{"a":"${'a=b&'.repeat(bytes / 4)}"}`,
  'percent signs': (bytes) => `{"a":"${'%25'.repeat(bytes / 3)}"}`,
  graphql: (bytes) => `{"a":"{a(${'b:{'.repeat(bytes / 3)}"}`,
  'one token': (bytes) => `{"a":"${'Ab3'.repeat(bytes / 3)}"}`,
};

main();
