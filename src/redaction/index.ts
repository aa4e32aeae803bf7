/** Compiles options into a redactor: pure, total, and failing closed. */

import { createHmac } from 'node:crypto';
import { type Action, createAction, mask } from './actions.js';
import { compileAllowed } from './allow.js';
import { redactBody } from './body.js';
import { redactString } from './embedded.js';
import type { Engine } from './engine.js';
import { redactForm } from './form.js';
import { redactHeader } from './headers.js';
import { sanitizeText } from './json-string.js';
import { createKeys, type Keys } from './keys.js';
import { faultsOf, type RedactionOptions } from './options.js';
import { ANNOUNCING, redactPath } from './path.js';
import { compilePatterns, patternFault } from './patterns.js';
import { redactValue } from './plain-value.js';
import { MASK, type RedactedBody, type Redactor } from './redactor.js';
import { isSuspicious } from './signals.js';
import { TERMS } from './terms.js';

export type { RedactionAction, RedactionOptions, RedactionRule } from './options.js';

/** @throws {TypeError} naming every fault of the options. */
export function createRedactor(options: RedactionOptions = {}): Redactor {
  const faults = redactionOptionFaults(options);
  if (faults.length > 0)
    throw new TypeError(
      `otel-audit: the redaction options have ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  const engine = createEngine(options);
  const announcing = new Set([...ANNOUNCING, ...(options.pathSegments ?? []).map((segment) => segment.toLowerCase())]);
  return {
    body: withHash(
      guarded((body) => redactBody(body, engine), UNPARSABLE),
      options.hashKey,
    ),
    query: guardedText((query) => redactForm(query, engine, 0, false)),
    path: guardedText((path) => redactPath(path, announcing, engine)),
    header: (name, value) => guardedText((text) => redactHeader(name, text, engine))(value),
    text: guardedText((text) => (engine.thorough || isSuspicious(text) ? engine.string(text, 0, false) : text)),
    value: guarded((value) => redactValue(value, engine), MASK),
  };
}

/** Every fault that `createRedactor` would throw for, in words that repeat no value. */
export function redactionOptionFaults(options: RedactionOptions): readonly string[] {
  return faultsOf(options, patternFault);
}

function createEngine(options: RedactionOptions): Engine {
  const removed = new Set(options.remove ?? []);
  const actions: Action[] = [mask];
  const terms = new Map<string, number>(TERMS.filter((term) => !removed.has(term)).map((term) => [term, 0]));
  for (const field of options.fields ?? []) terms.set(field, 0);
  for (const rule of [...(options.rules ?? [])].reverse()) {
    actions.push(createAction(rule, options.hashKey));
    for (const field of rule.fields) terms.set(field, actions.length - 1);
  }
  const custom = createCustom(options);
  const keys: Keys = createKeys(
    terms,
    removed,
    options.isSensitive,
    (key) => key.length >= 9 && isSuspicious(key) && redactString(key, engine, 1, false) !== key,
  );
  const engine: Engine = {
    keys,
    thorough: custom !== undefined,
    string: (text, depth, cut) => redactString(text, engine, depth, cut),
    replace: (action, text, scalar) => (actions[action] ?? mask)(text, scalar),
    drops: options.rules?.some((rule) => rule.action === 'drop') === true,
    custom,
    allows: compileAllowed(options.allow ?? []),
  };
  return engine;
}

function createCustom({ patterns, rewrite, email }: RedactionOptions): ((text: string) => string) | undefined {
  const masking = compilePatterns([...(patterns ?? []), ...(email === true ? [EMAIL] : [])], MASK);
  if (masking === undefined && rewrite === undefined) return undefined;
  return (text) => {
    try {
      const masked = masking === undefined ? text : masking(text);
      const written: unknown = rewrite === undefined ? masked : rewrite(masked);
      return typeof written === 'string' ? written : MASK;
    } catch {
      return MASK;
    }
  };
}

// 64 and 255 characters: the longest local part and domain (RFC 5321 §4.5.3.1).
const EMAIL = '(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63}){1,8}';

/** Whatever goes wrong here, nothing of the input may be stored. */
function guarded<Input, Output>(redact: (input: Input) => Output, otherwise: Output): (input: Input) => Output {
  return (input) => {
    try {
      return redact(input);
    } catch {
      return otherwise;
    }
  };
}

const UNPARSABLE: RedactedBody = { omitted: 'unparsable' };

/** What is not kept can be recognized all the same, by who has the key. */
function withHash(redact: Redactor['body'], hashKey: string | undefined): Redactor['body'] {
  if (hashKey === undefined) return redact;
  return guarded((body) => {
    const redacted = redact(body);
    if (!('omitted' in redacted) || body.truncated) return redacted;
    return { ...redacted, hash: createHmac('sha256', hashKey).update(body.bytes).digest('hex') };
  }, UNPARSABLE);
}

function guardedText(redact: (text: string) => string): (text: string) => string {
  return guarded((text) => sanitizeText(redact(text)), MASK);
}
