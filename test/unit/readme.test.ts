import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { SETTING_NAMES } from '../../src/config-settings.js';
import { ROOT } from '../support/service.js';

const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

describe('the README', () => {
  it('lists every setting there is, and none that is not', () => {
    const rows = readme.split('\n').filter((line) => line.startsWith('| `AUDIT_'));
    const listed = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/AUDIT_([A-Z_]+)/g)].map(([, name]) => name));
    assert.deepEqual(listed.sort(), [...SETTING_NAMES, 'CONFIG_FILE'].sort());
  });

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link ?? '');
    assert.ok(links.length > 10);
    assert.deepEqual(
      links.filter((link) => !existsSync(path.join(ROOT, link))),
      [],
    );
  });
});
