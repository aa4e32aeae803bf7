import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isIPv4In, isUuid, numberIn } from '../../exporters/postgres/json-values.js';

/** Among other bytes. */
function within<Result>(text: string, read: (bytes: Buffer, start: number, end: number) => Result): Result {
  const bytes = Buffer.from(`9${text}9`);
  return read(bytes, 1, bytes.length - 1);
}

test('tells IPv4 addresses as the system does', () => {
  const part = fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom('', '0', '00', '01', '255', '256', 'a', '-1', ' 1'));
  fc.assert(
    fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
      const text = parts.join('.');
      assert.equal(within(text, isIPv4In), isIPv4(text), text);
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.ipV4(), (address) => within(address, isIPv4In)));
});

test('reads any number of JSON as it is', () => {
  const any = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger());
  fc.assert(fc.property(any, (number) => Object.is(within(JSON.stringify(number), numberIn), JSON.parse(JSON.stringify(number)))));
  for (const text of ['0.1', '17.345', '123456789012345', '1234567890.12345', '0.000001', '1e3', '-5', '12345678901234567890'])
    assert.equal(within(text, numberIn), Number(text), text);
});

test('knows a UUID as PostgreSQL prints it', () => {
  fc.assert(fc.property(fc.uuid(), (uuid) => within(uuid, isUuid)));
  const uuid = '0190a7e2-77e7-7b2c-9a3b-0123456789ab';
  for (const text of [uuid.toUpperCase(), uuid.slice(1), uuid.replace('-', '0'), uuid.replace('a', 'g'), `${uuid}0`])
    assert.ok(!within(text, isUuid), text);
});
