/** Decides what is recorded of a request: ordered rules, first match wins, judged once at the start and once at the close. */

import type { PolicyLevel, PolicyMatch, PolicyRule } from '../policy-rule.js';

export interface StartFacts {
  readonly method: string;
  /** As received, without the query: never decoded, so that no encoding can move a request into another rule. */
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface CloseFacts extends StartFacts {
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
}

export interface Policy {
  atStart(facts: StartFacts): StartDecision;
  /** The rule in force. There always is one: the last matches everything. */
  atClose(facts: CloseFacts): PolicyRule;
}

export interface PolicyOptions {
  /** The service's own rules, before the default ones. */
  readonly rules: readonly PolicyRule[];
  /** Exact paths, added to those that the default rules exclude for GET and HEAD. */
  readonly excludePaths: readonly string[];
}

export function compilePolicy(options: PolicyOptions): Policy {
  const rules = [...options.rules.map(compileRule), ...defaultRules(options.excludePaths)];
  return {
    atStart(facts) {
      let level = 0;
      for (const rule of rules) {
        if (!rule.mayMatch(facts)) continue;
        if (rule.certain && rule.rule.level === 'none' && level === 0)
          return { excludedBy: rule.rule.name, requestBody: false, responseBody: false };
        level = Math.max(level, LEVELS[rule.rule.level]);
        if (rule.certain) break;
      }
      return { excludedBy: undefined, requestBody: level >= LEVELS.request, responseBody: level >= LEVELS.full };
    },
    atClose(facts) {
      return rules.find((rule) => rule.mayMatch(facts) && rule.matchesClose(facts))?.rule ?? CATCH_ALL;
    },
  };
}

export function keepsRequestBody(level: PolicyLevel): boolean {
  return LEVELS[level] >= LEVELS.request;
}

export function keepsResponseBody(level: PolicyLevel): boolean {
  return LEVELS[level] >= LEVELS.full;
}

const LEVELS: Readonly<Record<PolicyLevel, number>> = { none: 0, metadata: 1, request: 2, full: 3 };

interface CompiledRule {
  readonly rule: PolicyRule;
  /** Nothing that is known only at the close can change the answer of `mayMatch`. */
  readonly certain: boolean;
  mayMatch(facts: StartFacts): boolean;
  matchesClose(facts: CloseFacts): boolean;
}

function compileRule(rule: PolicyRule): CompiledRule {
  const { match } = rule;
  const methods = match.method && new Set(match.method);
  const paths = match.path?.map(compileGlob);
  return {
    rule,
    certain: isCertain(match),
    mayMatch: ({ method, rawPath }) => (methods?.has(method) ?? true) && (paths?.some((path) => path.test(rawPath)) ?? true),
    matchesClose: compileClose(match),
  };
}

function isCertain(match: PolicyMatch): boolean {
  return match.route === undefined && match.status === undefined && match.actorType === undefined && match.tenant === undefined;
}

function compileClose(match: PolicyMatch): (facts: CloseFacts) => boolean {
  const routes = match.route?.map(compileGlob);
  const statuses = match.status && new Set(match.status);
  const actorTypes = match.actorType && new Set(match.actorType);
  const tenants = match.tenant && new Set(match.tenant);
  return ({ route, status, actorType, tenantId }) =>
    (routes?.some((glob) => route !== undefined && glob.test(route)) ?? true) &&
    (statuses === undefined || (status !== undefined && (statuses.has(`${status}`) || statuses.has(`${Math.trunc(status / 100)}xx`)))) &&
    (actorTypes?.has(actorType) ?? true) &&
    (tenants === undefined || (tenantId !== undefined && tenants.has(tenantId)));
}

/** `*` matches within a segment, `**` across segments; everything else matches itself. Linear: no nested repetition. */
function compileGlob(glob: string): RegExp {
  const pattern = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('');
  return new RegExp(`^${pattern}$`);
}

const PROBES: readonly string[] = [
  '/health',
  '/healthz',
  '/livez',
  '/readyz',
  '/metrics',
  '/docs',
  '/openapi.json',
  '/redoc',
  '/favicon.ico',
];
/** Any of these may make a router see another path than the one compared here. */
const AMBIGUOUS = /\.\.|\/\/|%2f|;/i;
const CATCH_ALL: PolicyRule = { name: 'default:metadata', match: {}, level: 'metadata' };

function defaultRules(excludePaths: readonly string[]): readonly CompiledRule[] {
  const excluded = new Set([...PROBES, ...excludePaths]);
  const isExcluded = (rawPath: string): boolean => (excluded.has(rawPath) || rawPath.startsWith('/health/')) && !AMBIGUOUS.test(rawPath);
  return [
    always(
      { name: 'default:probe', match: {}, level: 'none' },
      ({ method, rawPath }) => (method === 'GET' || method === 'HEAD') && isExcluded(rawPath),
    ),
    always({ name: 'default:preflight', match: {}, level: 'none' }, isPreflight),
    compileRule({ name: 'default:write', match: { method: ['POST', 'PUT', 'PATCH', 'DELETE'] }, level: 'full' }),
    compileRule(CATCH_ALL),
  ];
}

function always(rule: PolicyRule, mayMatch: (facts: StartFacts) => boolean): CompiledRule {
  return { rule, certain: true, mayMatch, matchesClose: () => true };
}

/** A real one: with a method override the service may treat an OPTIONS request as another method. */
function isPreflight({ method, headers }: StartFacts): boolean {
  if (method !== 'OPTIONS' || headers['origin'] === undefined || headers['access-control-request-method'] === undefined) return false;
  return (
    headers['x-http-method-override'] === undefined && headers['x-http-method'] === undefined && headers['x-method-override'] === undefined
  );
}
