/** Keys known by their look, wherever they stand. Made here, so that no scanner takes them for real ones. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedactor } from '../../../src/redaction/index.js';

const redactor = createRedactor();
const mixed = (length: number): string => 'aB3xY9kQ'.repeat(length).slice(0, length);
const hex = (length: number): string => '0a1b9f'.repeat(length).slice(0, length);

const KEYS: Readonly<Record<string, string>> = {
  'Azure Storage account': `${mixed(86)}==`,
  'Azure Storage account, marked': `${mixed(76)}+ASt${mixed(6)}==`,
  'Azure Service Bus, marked': `${mixed(33)}+ASb${mixed(6)}=`,
  'Azure Functions, marked': `${mixed(44)}AzFu${mixed(6)}==`,
  'Entra ID client secret': `aB38Q~${mixed(34)}`,
  Twilio: `SK${hex(32)}`,
  Doppler: `dp.pt.${mixed(43)}`,
  'AWS session': `FwoGZXIvYXdz${mixed(60)}`,
  'Google refresh': `1//0${mixed(40)}`,
  Docker: `dckr_pat_${mixed(27)}`,
  Terraform: `${mixed(14)}.atlasv1.${mixed(60)}`,
  Grafana: `glsa_${mixed(32)}_${hex(8)}`,
  Databricks: `dapi${hex(32)}`,
  Vault: `hvs.${mixed(30)}`,
};

describe('keys known by their look', () => {
  for (const [name, key] of Object.entries(KEYS)) {
    const bodies = [
      ['application/json', JSON.stringify({ note: key })],
      ['application/json', JSON.stringify({ note: `use ${key}, please` })],
      ['text/plain', `use ${key} please`],
      ['application/xml', `<note>${key}</note>`],
      ['application/x-www-form-urlencoded', `note=${encodeURIComponent(key)}`],
    ] as const;
    it(`hides: ${name}`, () => {
      for (const [contentType, text] of bodies) {
        const redacted = redactor.body({ bytes: Buffer.from(text), contentType, truncated: false });
        assert.ok(
          'text' in redacted && !decodeURIComponent(redacted.text).includes(key.slice(4, 24)),
          `${contentType}: ${JSON.stringify(redacted)}`,
        );
      }
      assert.ok(!redactor.text(`use ${key} please`).includes(key));
    });
  }

  it('hides the beginning of an account key that a body was cut in', () => {
    const text = JSON.stringify({ note: `${mixed(86)}==` }).slice(0, 60);
    const redacted = redactor.body({ bytes: Buffer.from(text), contentType: 'application/json', truncated: true });
    assert.ok('text' in redacted && !redacted.text.includes(mixed(20)), JSON.stringify(redacted));
  });

  it('hides the address of a webhook', () => {
    for (const address of [
      `https://discord.com/api/webhooks/1234/${mixed(68)}`,
      `https://example.webhook.office.com/webhookb2/${hex(36)}/IncomingWebhook/${hex(32)}`,
      `https://hooks.slack.com/services/T000/B000/${mixed(24)}`,
    ]) {
      assert.ok(!redactor.text(`post to ${address}`).includes(address.slice(-20)), address);
    }
  });

  it('keeps digests and identifiers', () => {
    for (const plain of [
      `sha512-${mixed(86)}==`,
      `sha256:${hex(64)}`,
      hex(40),
      '0198c2f4-7a31-7c55-9a8e-3b1f0e6d2c11',
      `AC${hex(32)}`,
      '/subscriptions/0198c2f4-7a31-7c55-9a8e-3b1f0e6d2c11/resourceGroups/rg-1/providers/Microsoft.Web/sites/app1',
    ])
      assert.equal(redactor.text(`see ${plain} there`), `see ${plain} there`);
  });
});
