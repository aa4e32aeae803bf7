/** Decides what is recorded of a request: ordered rules, first match wins, judged once at the start and once at the close. */

import type { DeliveryMode, PolicyLevel, PolicyMatch, PolicyRule } from '../policy-rule.js';
import { CATCH_ALL, type ConditionedRule, defaultRules, isAmbiguous, type RequestFacts } from './default-rules.js';
import { compileExact, compileStatus } from './exact-index.js';
import { createGlobIndex, type MatchGlobs, rememberGlobs } from './glob-index.js';
import { exclude, firstOfBoth, includes, keepOnly, meets, type RuleSet, removeAll, setOf } from './rule-set.js';
import { compileTarget, type FindTarget } from './target-pattern.js';

/** `rawPath` as received, without the query: never decoded, so that no encoding can move a request into another rule. */
export type StartFacts = RequestFacts;

/** What the end of the request adds. */
export interface CloseFacts {
  readonly route: string | undefined;
  readonly status: number | undefined;
  readonly actorType: string;
  readonly tenantId: string | undefined;
}

/** What to capture while the outcome is open: the most that any rule still possible may want. */
export interface StartDecision {
  /** The rule that excludes the request for certain; nothing is captured then. */
  readonly excludedBy: string | undefined;
  readonly requestBody: boolean;
  readonly responseBody: boolean;
  /** The highest cap of a rule still possible; undefined: none has its own. */
  readonly maxBodyBytes: number | undefined;
  readonly delivery: DeliveryMode;
  /** A start record is wanted. */
  readonly start: boolean;
  /** Which rule is in force now that everything is known. There always is one: the last matches everything. */
  atClose(facts: CloseFacts): RuleInForce;
}

export interface RuleInForce {
  readonly rule: PolicyRule;
  /** Given the redacted path. */
  readonly findTarget: FindTarget | undefined;
}

export interface Policy {
  atStart(facts: StartFacts): StartDecision;
  /** Some requests are delivered otherwise than `async`. */
  readonly mayHold: boolean;
  /** All rules in order, the default ones last. */
  readonly rules: readonly ConditionedRule[];
}

export interface PolicyOptions {
  /** The service's own rules, before the default ones. */
  readonly rules: readonly PolicyRule[];
  /** Exact paths, added to those that the default rules exclude for GET and HEAD. */
  readonly excludePaths: readonly string[];
  /** Where the rule says nothing else. Default `async`. */
  readonly delivery?: DeliveryMode | undefined;
}

/** One bit a rule and one set a dimension: the cost hardly grows with the number of rules. */
export function compilePolicy(options: PolicyOptions): Policy {
  const conditioned: readonly ConditionedRule[] = [...options.rules.map((rule) => ({ rule })), ...defaultRules(options.excludePaths)];
  const rules = conditioned.map(({ rule }) => rule);
  const where = (holds: (rule: PolicyRule) => boolean): RuleSet => setOf(rules.map(holds));
  const globsOf = (list: (match: PolicyMatch) => readonly string[] | undefined): MatchGlobs | undefined => {
    const globs = rules.map(({ match }) => list(match));
    return globs.some((entry) => entry !== undefined) ? rememberGlobs(createGlobIndex(globs)) : undefined;
  };
  const inForce: readonly RuleInForce[] = rules.map((rule) => ({ rule, findTarget: rule.target && compileTarget(rule.target) }));
  const catchAll: RuleInForce = { rule: CATCH_ALL, findTarget: undefined };
  const certain = where(isCertain);
  const keepsRequest = where(({ level }) => keepsRequestBody(level));
  const keepsResponse = where(({ level }) => keepsResponseBody(level));
  const recording = where(({ level }) => level !== 'none');
  const excludesByPath = where(({ level, match }) => level === 'none' && match.path !== undefined);
  const conditions = conditioned.flatMap(({ condition }, position) => (condition === undefined ? [] : [{ position, condition }]));
  const capped = rules.flatMap(({ maxBodyBytes }, position) => (maxBodyBytes === undefined ? [] : [{ position, maxBodyBytes }]));
  const byMethod = compileExact(rules.map(({ match }) => match.method));
  const byPath = createGlobIndex(rules.map(({ match }) => match.path));
  const byType = globsOf(({ contentType }) => contentType);
  const byRoute = globsOf(({ route }) => route);
  const byStatus = compileStatus(rules.map(({ match }) => match.status));
  const byActor = compileExact(rules.map(({ match }) => match.actorType));
  const byTenant = compileExact(rules.map(({ match }) => match.tenant));
  /** The rules that the start of the request leaves possible. */
  function possibleAt(facts: StartFacts): RuleSet {
    const possible = byPath(facts.rawPath);
    keepOnly(possible, byMethod(facts.method));
    if (byType !== undefined) keepOnly(possible, byType(mediaTypeOf(facts.headers['content-type'])));
    if (meets(possible, excludesByPath) && isAmbiguous(facts.rawPath)) removeAll(possible, excludesByPath);
    for (const { position, condition } of conditions) if (includes(possible, position) && !condition(facts)) exclude(possible, position);
    return possible;
  }

  function ruleAtClose(possible: RuleSet, { route, status, actorType, tenantId }: CloseFacts): RuleInForce {
    const left = possible.slice();
    if (byRoute !== undefined) keepOnly(left, byRoute(route));
    keepOnly(left, byStatus(status));
    keepOnly(left, byActor(actorType));
    keepOnly(left, byTenant(tenantId));
    return inForce[firstOfBoth(left, left)] ?? catchAll;
  }

  return {
    rules: conditioned,
    mayHold: rules.some(({ delivery = options.delivery }) => delivery === 'confirmed' || delivery === 'strict'),
    atStart(facts) {
      const possible = possibleAt(facts);
      // There always is one: the last rule is certain.
      const decisive = firstOfBoth(possible, certain);
      const isPossible = (set: RuleSet): boolean => {
        const first = firstOfBoth(possible, set);
        return first !== -1 && first <= decisive;
      };
      let maxBodyBytes: number | undefined;
      for (const cap of capped)
        if (cap.position <= decisive && includes(possible, cap.position)) maxBodyBytes = Math.max(maxBodyBytes ?? 0, cap.maxBodyBytes);
      const delivery = rules[decisive]?.delivery ?? options.delivery ?? 'async';
      return {
        delivery,
        start: delivery === 'strict' || rules[decisive]?.start === true,
        excludedBy: isPossible(recording) ? undefined : rules[decisive]?.name,
        requestBody: isPossible(keepsRequest),
        responseBody: isPossible(keepsResponse),
        maxBodyBytes,
        atClose: (close) => ruleAtClose(possible, close),
      };
    },
  };
}

export function keepsRequestBody(level: PolicyLevel): boolean {
  return level === 'request' || level === 'full';
}

export function keepsResponseBody(level: PolicyLevel): boolean {
  return level === 'full';
}

/** Nothing that only the end of the request tells can change whether the rule matches. */
export function isCertain({ match }: PolicyRule): boolean {
  return match.route === undefined && match.status === undefined && match.actorType === undefined && match.tenant === undefined;
}

/** `Multipart/Form-Data; boundary=x` is `multipart/form-data`. */
export function mediaTypeOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header.split(';', 1)[0]?.trim().toLowerCase() : undefined;
}
