/** The form of a policy rule in the configuration file. Messages never repeat a value. The JSON Schema beside this file says the same. */

import * as v from 'valibot';
import { targetFault } from './capture/target-pattern.js';
import type { PolicyRule } from './policy-rule.js';

const text = v.pipe(v.string('must be text'), v.trim(), v.nonEmpty('must not be empty'));

function listOf(transform: (value: string) => string) {
  return v.pipe(
    v.union([v.string(), v.array(v.string())], 'must be text or a list of texts'),
    v.transform((value) => (typeof value === 'string' ? [value] : value).map((item) => transform(item.trim()))),
    v.check((values) => values.length > 0 && values.every((value) => value !== ''), 'must not be empty'),
  );
}
const asIs = listOf((value) => value);
const lowerCase = listOf((value) => value.toLowerCase());
const upperCase = listOf((value) => value.toUpperCase());

const paths = v.pipe(
  asIs,
  v.check((values) => values.every((value) => /^[/*]/.test(value)), 'must be paths that start with / or *'),
);

const statuses = v.pipe(
  v.union([v.string(), v.number(), v.array(v.union([v.string(), v.number()]))]),
  v.transform((value) => (Array.isArray(value) ? value : [value]).map((status) => String(status).toLowerCase())),
  v.check((values) => values.every((status) => /^[1-5](?:xx|\d\d)$/.test(status)), 'must be a status like 404 or 4xx'),
);

const match = v.strictObject({
  method: v.optional(upperCase),
  path: v.optional(paths),
  route: v.optional(asIs),
  status: v.optional(statuses),
  actorType: v.optional(asIs),
  tenant: v.optional(asIs),
  contentType: v.optional(lowerCase),
});

const target = v.pipe(
  v.union(
    [text, v.strictObject({ pattern: text, type: v.optional(text), id: v.optional(text) })],
    'must be a path or pattern, type and id',
  ),
  v.transform((value) => (typeof value === 'string' ? { pattern: value } : value)),
  v.rawCheck(({ dataset, addIssue }) => {
    const fault = dataset.typed ? targetFault(dataset.value) : undefined;
    if (fault !== undefined) addIssue({ message: fault });
  }),
);

// 1 MiB, as AUDIT_MAX_BODY_BYTES: bodies are held in memory while the request is open.
const BODY_BOUND = 'must be a whole number of bytes from 0 to 1048576';

const rule = v.strictObject({
  name: v.optional(text),
  match: v.optional(match, {}),
  level: v.picklist(['none', 'metadata', 'request', 'full'], 'must be one of none, metadata, request, full'),
  sample: v.optional(v.pipe(v.number(), v.minValue(0, 'must be from 0 to 1'), v.maxValue(1, 'must be from 0 to 1'))),
  action: v.optional(text),
  target: v.optional(target),
  maxBodyBytes: v.optional(v.pipe(v.number(), v.integer(BODY_BOUND), v.minValue(0, BODY_BOUND), v.maxValue(1_048_576, BODY_BOUND))),
  headers: v.optional(lowerCase),
  delivery: v.optional(v.picklist(['async', 'confirmed', 'strict'], 'must be one of async, confirmed, strict')),
  start: v.optional(v.boolean('must be true or false')),
});

/** What must be decided before the handler runs cannot depend on what only its end or the client's headers tell. */
const ruleInTime = v.pipe(
  rule,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { delivery = 'async', start = false, match: on } = dataset.value;
    const late = Object.keys(on).filter((member) => member !== 'method' && member !== 'path');
    if ((delivery !== 'async' || start) && late.length > 0)
      addIssue({ message: `delivery and start need a rule that matches on method and path alone, not on ${late.join(', ')}` });
  }),
);

/** Members of a rule and of its match, for the test that compares them with the JSON Schema. */
export const RULE_MEMBERS = { rule: Object.keys(rule.entries), match: Object.keys(match.entries) };

/** An ordered list of rules; a rule without a name is called by its place. */
export const policyRules = v.pipe(
  v.array(ruleInTime, 'must be a list of rules'),
  v.transform((rules) => rules.map(named)),
  v.check((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, 'must not have two rules of the same name'),
);

function named(parsed: v.InferOutput<typeof rule>, index: number): PolicyRule {
  return { ...parsed, name: parsed.name ?? `rule ${index + 1}` };
}
