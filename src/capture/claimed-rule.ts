/** Which rule is in force where actor or tenant are merely claimed: what a client says of itself must not keep it out of the trail. */

import type { PolicyLevel, PolicyRule } from '../policy-rule.js';
import type { AuditActor, AuditTenant } from '../record.js';
import type { CloseFacts, RuleInForce, StartDecision } from './policy.js';

export interface Claimed {
  readonly actor: AuditActor;
  readonly tenant: AuditTenant | undefined;
  /** A header of the client's own names the tenant. */
  readonly isTenantClaimed: boolean;
}

/** The rule by what is claimed, unless the rules that ask for neither actor nor tenant record more. */
export function ruleInForce(
  decision: StartDecision,
  { route, status }: Pick<CloseFacts, 'route' | 'status'>,
  { actor, tenant, isTenantClaimed }: Claimed,
): RuleInForce {
  // Member by member: with a spread it takes 3 µs instead of 0.2.
  const byClaim = decision.atClose({ route, status, actorType: actor.type, tenantId: tenant?.id });
  const isClaimed = !actor.verified && actor.type !== NOBODY;
  // The tenant that a token claims is as good as the token.
  const trustsTenant = !isTenantClaimed && (actor.verified || tenant?.id !== actor.tenantId);
  if (!isClaimed && trustsTenant) return byClaim;
  const byNeither = decision.atClose({
    route,
    status,
    actorType: isClaimed ? '' : actor.type,
    tenantId: trustsTenant ? tenant?.id : undefined,
  });
  if (byNeither.rule === byClaim.rule) return byClaim;
  return recordsMore(byNeither.rule, byClaim.rule) ? byNeither : byClaim;
}

const NOBODY = 'anonymous';
const LEVELS: readonly PolicyLevel[] = ['none', 'metadata', 'request', 'full'];

function recordsMore(one: PolicyRule, other: PolicyRule): boolean {
  const share = ({ level, sample = 1 }: PolicyRule): number => (level === 'none' ? 0 : sample);
  if (share(one) !== share(other)) return share(one) > share(other);
  return LEVELS.indexOf(one.level) > LEVELS.indexOf(other.level);
}
