/** The rules behind the service's own: probes and preflights are not recorded, writes in full, the rest without bodies. */

import type { PolicyRule } from '../policy-rule.js';

export interface ConditionedRule {
  readonly rule: PolicyRule;
  /** What a rule cannot say in its `match`. */
  readonly condition?: ((request: RequestFacts) => boolean) | undefined;
}

export interface RequestFacts {
  readonly method: string;
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export const CATCH_ALL: PolicyRule = { name: 'default:metadata', match: {}, level: 'metadata' };

const PROBES: readonly string[] = [
  '/health',
  '/health/**',
  '/healthz',
  '/livez',
  '/readyz',
  '/metrics',
  '/docs',
  '/openapi.json',
  '/redoc',
  '/favicon.ico',
];

/** `excludePaths` are exact, and taken literally. The last rule matches everything. */
export function defaultRules(excludePaths: readonly string[]): readonly ConditionedRule[] {
  const excluded = new Set(excludePaths);
  return [
    { rule: { name: 'default:probe', match: { method: ['GET', 'HEAD'], path: PROBES }, level: 'none' } },
    {
      rule: { name: 'default:excluded', match: { method: ['GET', 'HEAD'] }, level: 'none' },
      condition: ({ rawPath }) => excluded.has(rawPath) && !isAmbiguous(rawPath),
    },
    { rule: { name: 'default:preflight', match: { method: ['OPTIONS'] }, level: 'none' }, condition: isPreflight },
    { rule: { name: 'default:write', match: { method: ['POST', 'PUT', 'PATCH', 'DELETE'] }, level: 'full' } },
    { rule: CATCH_ALL },
  ];
}

/** A router may see another path than the one compared here; URL parsers read `%2e` as a dot and `\` as a slash. */
export function isAmbiguous(rawPath: string): boolean {
  return AMBIGUOUS.test(rawPath);
}

const AMBIGUOUS = /\.\.|\/\/|%2[ef]|%5c|[;\\]/i;

/** A real one: with a method override the service may treat an OPTIONS request as another method. */
function isPreflight({ headers }: RequestFacts): boolean {
  if (headers['origin'] === undefined || headers['access-control-request-method'] === undefined) return false;
  return (
    headers['x-http-method-override'] === undefined && headers['x-http-method'] === undefined && headers['x-method-override'] === undefined
  );
}
