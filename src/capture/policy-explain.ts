/** The policy read rule by rule, slowly and with reasons: what `policy explain` prints, and what the compiled form must agree with. */

import type { PolicyMatch, PolicyRule } from '../policy-rule.js';
import { isAmbiguous } from './default-rules.js';
import { compileGlob } from './glob.js';
import { type CloseFacts, mediaTypeOf, type Policy, type StartFacts } from './policy.js';

export interface Explanation {
  /** The rule in force, and its place among all, from 0. */
  readonly rule: PolicyRule;
  readonly position: number;
  /** Members of its match, each with the pattern that matched; empty: it matches everything. */
  readonly because: readonly string[];
  /** The rules before it, with the reason why each is not in force. */
  readonly passedOver: readonly { readonly rule: PolicyRule; readonly because: string; readonly member: string }[];
}

export function explainPolicy(policy: Policy, facts: StartFacts & CloseFacts): Explanation {
  const passedOver: { rule: PolicyRule; because: string; member: string }[] = [];
  for (const [position, { rule, condition }] of policy.rules.entries()) {
    const checks = checksOf(rule.match, facts);
    const failed = checks.find((check) => !check.matches);
    if (failed !== undefined) {
      passedOver.push({
        rule,
        because: `${failed.member} is ${failed.value ?? 'not known'}, not ${failed.wanted.join(' or ')}`,
        member: failed.member,
      });
    } else if (rule.level === 'none' && rule.match.path !== undefined && isAmbiguous(facts.rawPath)) {
      passedOver.push({ rule, because: 'a path that a router may read as another one is never excluded', member: 'path' });
    } else if (condition?.(facts) === false) {
      passedOver.push({ rule, because: 'it does not apply to this request', member: 'condition' });
    } else {
      return { rule, position, because: checks.map(({ member, value, matched }) => `${member} ${value} matches ${matched}`), passedOver };
    }
  }
  throw new Error('the last rule matches everything');
}

interface Check {
  readonly member: keyof PolicyMatch;
  readonly value: string | undefined;
  readonly wanted: readonly string[];
  readonly matched: string | undefined;
  readonly matches: boolean;
}

function checksOf(match: PolicyMatch, facts: StartFacts & CloseFacts): readonly Check[] {
  const { status } = facts;
  const checks: readonly [keyof PolicyMatch, string | undefined, (wanted: string, value: string) => boolean][] = [
    ['method', facts.method, isEqual],
    ['path', facts.rawPath, isGlobOf],
    ['contentType', mediaTypeOf(facts.headers['content-type']), isGlobOf],
    ['route', facts.route, isGlobOf],
    ['status', status === undefined ? undefined : String(status), (wanted, value) => wanted === value || wanted === `${value[0]}xx`],
    ['actorType', facts.actorType, isEqual],
    ['tenant', facts.tenantId, isEqual],
  ];
  return checks.flatMap(([member, value, holds]) => {
    const wanted = match[member];
    if (wanted === undefined) return [];
    const matched = value === undefined ? undefined : wanted.find((one) => holds(one, value));
    return { member, value, wanted, matched, matches: matched !== undefined };
  });
}

function isEqual(wanted: string, value: string): boolean {
  return wanted === value;
}

function isGlobOf(glob: string, value: string): boolean {
  return compileGlob(glob).test(value);
}
