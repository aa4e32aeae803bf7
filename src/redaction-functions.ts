/** Redaction with functions of the service's own. What cannot be loaded, or throws, must hide what it would have judged. */

import { createRequire } from 'node:module';
import path from 'node:path';
import type { AuditConfig } from './config.js';
import { nameOf } from './errors.js';
import { createRedactor, type RedactionOptions } from './redaction/index.js';
import { MASK, type Redactor } from './redaction/redactor.js';

/** What a service may add to the rules. Both must be pure; see `RedactionOptions`. */
export type RedactionFunctions = Pick<RedactionOptions, 'isSensitive' | 'rewrite'>;

/** The redactor that a configuration means. `functions` are of the program, and stand back where the configuration names a module. */
export function createConfiguredRedactor(
  { redaction, redactionModule, identity: { directory }, keys }: Pick<AuditConfig, 'redaction' | 'redactionModule' | 'identity' | 'keys'>,
  warn: (message: string) => void,
  functions: RedactionFunctions = {},
): Redactor {
  const rules = { ...redaction, hashKey: keys.hash, ...functions };
  if (redactionModule === undefined) return createRedactor(rules);
  const load = createRequire(path.join(directory, 'package.json'));
  return createLateRedactor(rules, () => load(redactionModule), warn);
}

/** A redactor made when first asked: at the preload's time no module of the service may be loaded. */
function createLateRedactor(rules: RedactionOptions, load: () => unknown, warn: (message: string) => void): Redactor {
  let made: Redactor | undefined;
  const redactor = (): Redactor => (made ??= createOrHide(rules, load, warn));
  return {
    body: (body) => redactor().body(body),
    query: (query) => redactor().query(query),
    path: (path) => redactor().path(path),
    header: (name, value) => redactor().header(name, value),
    text: (text) => redactor().text(text),
    value: (value) => redactor().value(value),
  };
}

function createOrHide(rules: RedactionOptions, load: () => unknown, warn: (message: string) => void): Redactor {
  try {
    const loaded = load() as RedactionFunctions & { readonly default?: RedactionFunctions };
    const { isSensitive = loaded.default?.isSensitive, rewrite = loaded.default?.rewrite } = loaded;
    if (isSensitive !== undefined || rewrite !== undefined) return createRedactor({ ...rules, isSensitive, rewrite });
    warn('the module named in redaction.functions exports neither isSensitive nor rewrite; until it does, everything is hidden');
  } catch (error) {
    // Its message may quote what it was given.
    warn(`the module named in redaction.functions cannot be loaded (${nameOf(error)}); until it can, everything is hidden`);
  }
  return HIDING;
}

const HIDING: Redactor = {
  body: () => ({ omitted: 'unparsable' }),
  query: () => MASK,
  path: () => MASK,
  header: () => MASK,
  text: () => MASK,
  value: () => MASK,
};
