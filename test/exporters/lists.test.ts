/** The places that name the exporters agree: folders, table, settings, package.json, READMEs and tests. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { EXPORTERS } from '../../exporters/index.js';
import { BUILT_IN_EXPORTERS } from '../../src/config-exporters.js';
import { ROOT } from '../support/service.js';

const FOLDERS = readdirSync(path.join(ROOT, 'exporters'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
/** It has nothing that a setting could name: whoever wants it needs the object. */
const PROGRAMMATIC_ONLY = 'memory';

test('each exporter folder has its line in the table, and is a name that AUDIT_EXPORTER takes', () => {
  const named = FOLDERS.filter((name) => name !== PROGRAMMATIC_ONLY);
  assert.deepEqual(Object.keys(EXPORTERS).sort(), named);
  assert.deepEqual([...BUILT_IN_EXPORTERS].sort(), named);
});

test('each exporter folder is a subpath of the package that gives its factory', () => {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { readonly exports: Record<string, unknown> };
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath.startsWith('./exporters/'));
  assert.deepEqual(
    subpaths.sort(),
    FOLDERS.map((name) => `./exporters/${name}`),
  );
  for (const name of FOLDERS) {
    const exports = require(`otel-audit/exporters/${name}`) as Record<string, unknown>;
    const factory = `create${name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase())}Exporter`;
    assert.equal(typeof exports[factory], 'function', `${name} exports ${factory}`);
  }
});

for (const name of FOLDERS) {
  test(`${name} has a README that says what it guarantees, its settings, its mapping and what failures do`, () => {
    const readme = readFileSync(path.join(ROOT, 'exporters', name, 'README.md'), 'utf8');
    assert.match(readme, new RegExp(`^# ${name}\\b`));
    for (const section of [/^## What it guarantees$/m, /^## Settings$/m, /^## (?:Mapping|Tables)$/m, /^## .*fail/m]) {
      assert.match(readme, section);
    }
  });

  test(`${name} runs the contract suite`, () => {
    const source = readFileSync(path.join(ROOT, 'test/exporters', `${name}.test.ts`), 'utf8');
    assert.ok(source.includes(`exporterContract('${name}', {`));
  });
}
