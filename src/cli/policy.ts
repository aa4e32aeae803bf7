/** `otel-audit policy check` and `policy explain`: what a policy file says, without starting anything. */

import type { Command } from 'commander';
import { type CloseFacts, compilePolicy, type Policy, type StartFacts } from '../capture/policy.js';
import { explainPolicy } from '../capture/policy-explain.js';
import { type AuditConfig, loadConfig } from '../config.js';
import type { PolicyMatch, PolicyRule } from '../policy-rule.js';
import type { CommandContext } from './context.js';
import { statusOf } from './flags.js';

export function addPolicy(program: Command, { write }: CommandContext): void {
  const policy = program.command('policy').description('what the rules of a configuration file say');

  policy
    .command('check <file>')
    .description('list every fault of the file, or none')
    .action((file: string) => checkPolicy({ file, directory: process.cwd(), write }));

  policy
    .command('explain <method> <path>')
    .description('which rule wins for a request, and why')
    .option('--file <file>', 'the configuration file; default: AUDIT_CONFIG_FILE')
    .option('--status <status>', 'of the response; default: 200', statusOf)
    .option('--route <route>', 'the pattern the framework matched')
    .option('--actor-type <type>', 'default: anonymous')
    .option('--tenant <id>')
    .option('--content-type <type>', 'of the request')
    .action((method: string, path: string, options: ExplainFlags) =>
      explainRequest({ ...options, method, path, directory: process.cwd(), write }),
    );
}

type ExplainFlags = Omit<ExplainOptions, 'method' | 'path' | 'directory' | 'write'>;

interface CheckOptions {
  /** The configuration file. */
  readonly file: string;
  readonly directory: string;
  readonly write: (text: string) => void;
}

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG listing every fault of the file. */
function checkPolicy({ file, directory, write }: CheckOptions): void {
  const { policy, warnings } = policyIn(file, directory);
  for (const warning of [...warnings, ...doubtsOf(policy.rules)]) write(`warning: ${warning}\n`);
  write(`${file}: ${policy.rules.length} rule(s), no fault\n`);
}

interface ExplainOptions {
  readonly method: string;
  /** With or without a query. */
  readonly path: string;
  readonly file: string | undefined;
  readonly directory: string;
  readonly route?: string | undefined;
  readonly status?: number | undefined;
  readonly actorType?: string | undefined;
  readonly tenant?: string | undefined;
  readonly contentType?: string | undefined;
  readonly write: (text: string) => void;
}

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG listing every fault of the file. */
function explainRequest(options: ExplainOptions): void {
  const { write } = options;
  const policy = compilePolicy(policyIn(options.file, options.directory).policy);
  const facts = factsOf(options);
  const { rule, position, because, passedOver } = explainPolicy(policy, facts);
  write(`${facts.method} ${facts.rawPath}, ${assumedOf(options)}\n`);
  write(`  rule      ${rule.name} (${position + 1} of ${policy.rules.length})\n`);
  write(`  because   ${because.length === 0 ? 'it matches everything' : because.join('; ')}\n`);
  write(`  result    ${resultOf(rule)}\n`);
  for (const passed of passedOver) write(`  not       ${passed.rule.name}: ${passed.because}\n`);
  const others = othersPossible(policy, options, facts, rule);
  if (others.length > 0) write(`  but       ${others.join(', ')} would win with another status, actor, tenant or route\n`);
}

function factsOf({ method, path, route, status, actorType, tenant, contentType }: ExplainOptions): StartFacts & CloseFacts {
  return {
    method: method.toUpperCase(),
    rawPath: path.split('?', 1)[0] ?? path,
    headers: contentType === undefined ? {} : { 'content-type': contentType },
    route,
    status: status ?? 200,
    actorType: actorType ?? 'anonymous',
    tenantId: tenant,
  };
}

function assumedOf({ status, actorType, tenant, route }: ExplainOptions): string {
  const said = (name: string, value: unknown, assumed: string): string =>
    value === undefined ? `${name} ${assumed} (assumed)` : `${name} ${value}`;
  return [
    said('status', status, '200'),
    said('actor type', actorType, 'anonymous'),
    said('tenant', tenant, 'none'),
    said('route', route, 'none'),
  ].join(', ');
}

function resultOf(rule: PolicyRule): string {
  const parts = [LEVELS[rule.level]];
  if (rule.sample !== undefined && rule.sample < 1) parts.push(`of successes a share of ${rule.sample}`);
  if (rule.action !== undefined) parts.push(`as ${rule.action}`);
  if (rule.target !== undefined) parts.push(`target from ${rule.target.pattern}`);
  if (rule.maxBodyBytes !== undefined) parts.push(`at most ${rule.maxBodyBytes} bytes of a body`);
  if (rule.headers !== undefined) parts.push(`with the headers ${rule.headers.join(', ')}`);
  return parts.join(', ');
}

export const LEVELS: Readonly<Record<PolicyRule['level'], string>> = {
  none: 'none: not recorded, counted',
  metadata: 'metadata: recorded without bodies',
  request: 'request: recorded with the request body',
  full: 'full: recorded with both bodies',
};

/** Rules before the one in force that fail only over what was assumed. */
function othersPossible(policy: Policy, options: ExplainOptions, facts: StartFacts & CloseFacts, inForce: PolicyRule): readonly string[] {
  const open: readonly (keyof PolicyMatch)[] = (['status', 'actorType', 'tenant', 'route'] as const).filter(
    (member) => options[member] === undefined,
  );
  const before = policy.rules.slice(
    0,
    policy.rules.findIndex(({ rule }) => rule === inForce),
  );
  return before.flatMap(({ rule, condition }) => {
    const closed = Object.fromEntries(Object.entries(rule.match).filter(([member]) => !open.includes(member as keyof PolicyMatch)));
    const alone = compilePolicy({ rules: [{ ...rule, match: closed }], excludePaths: [] });
    return condition === undefined && explainPolicy(alone, facts).position === 0 ? [rule.name] : [];
  });
}

/** What is no fault and may still be a mistake. */
function doubtsOf(rules: readonly PolicyRule[]): readonly string[] {
  return rules.flatMap((rule, index) => {
    const doubts: string[] = [];
    const all = rules.slice(0, index).find(({ match }) => Object.values(match).every((member) => member === undefined));
    if (all !== undefined) doubts.push(`${rule.name} is never reached: ${all.name} before it matches everything`);
    if (rule.level === 'none' && rule.match.contentType !== undefined)
      doubts.push(`${rule.name} excludes by content type, which the client chooses: a client can keep itself out of the trail`);
    if (rule.level === 'none' && (rule.maxBodyBytes ?? rule.action ?? rule.target ?? rule.headers) !== undefined)
      doubts.push(`${rule.name} records nothing, so what it says about the record has no effect`);
    return doubts;
  });
}

function policyIn(file: string | undefined, directory: string): AuditConfig {
  const env = file === undefined ? process.env : { AUDIT_CONFIG_FILE: file };
  // A policy can be judged without the sinks that the same file may name, and without the directory that `confirmed` needs.
  return loadConfig({ env, directory, overrides: { EXPORTER: ['console'], JOURNAL_DIR: directory } });
}
