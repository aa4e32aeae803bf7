/** `otel-audit inventory`: every route that is configured or has been seen, and what is recorded of it. */

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { type DatabaseAccess, withConnection } from '../../exporters/postgres/connection.js';
import { defaultRules } from '../capture/default-rules.js';
import { templateOf } from '../capture/path-steps.js';
import { compilePolicy, type Policy } from '../capture/policy.js';
import type { AuditConfig } from '../config.js';
import { AuditError } from '../errors.js';
import { segmentNumber } from '../journal/layout.js';
import type { PolicyRule } from '../policy-rule.js';
import type { AuditRecord, JournalledRecord } from '../record.js';
import { fileLines, recordOf } from '../trail/lines.js';
import type { CommandContext } from './context.js';
import { keptLines } from './kept.js';

export function addInventory(program: Command, { access, config: configured, useKeys, write }: CommandContext): void {
  program
    .command('inventory')
    .description('every route configured or seen, with its level')
    .option('--dir <directory>', 'of the file exporter; default: as configured, if the file exporter is')
    .option('--url <url>', 'of the database; default: as configured, if the postgres exporter is')
    .action(async ({ dir, url }: { readonly dir?: string; readonly url?: string }) => {
      useKeys();
      const config = configured();
      const isAsked = dir !== undefined || url !== undefined;
      const isConfigured = (name: string): boolean => !isAsked && config.exporters.includes(name);
      await listInventory({
        config,
        // Before the first record there is no directory, and nothing seen.
        directory: dir ?? (isConfigured('file') && existsSync(config.file.directory) ? config.file.directory : undefined),
        database: url !== undefined || isConfigured('postgres') ? access(url) : undefined,
        write,
      });
    });
}

interface InventoryOptions {
  readonly config: AuditConfig;
  /** A directory of the file exporter; its records say what has been seen. */
  readonly directory?: string | undefined;
  /** A database of the Postgres exporter. */
  readonly database?: DatabaseAccess | undefined;
  readonly write: (text: string) => void;
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER if the records cannot be read */
async function listInventory({ config, directory, database, write }: InventoryOptions): Promise<void> {
  const policy = compilePolicy(config.policy);
  const seen = new Map<string, Seen>();
  if (directory !== undefined) for await (const record of recordsIn(directory)) see(seen, record, policy);
  if (database !== undefined)
    for (const row of await rowsIn(database))
      addSeen(seen, { ...row, route: row.route ?? templateOf(row.path), levels: levelsOf(policy, row) });
  write(`${keptLines(config).join('')}\n`);
  const configured = rulesInForce(config).flatMap(({ match, level, name }) =>
    (match.route ?? match.path ?? ['*']).map((place): readonly string[] => [match.method?.join(',') ?? '*', place, level, name, '', '']),
  );
  const found = [...seen.values()]
    .sort((a, b) => (a.route === b.route ? a.method.localeCompare(b.method) : a.route.localeCompare(b.route)))
    .map((one): readonly string[] => [
      one.method,
      one.route,
      [...one.levels.keys()].join('|'),
      [...new Set(one.levels.values())].join('|'),
      String(one.count),
      one.last,
    ]);
  write(table([['method', 'route or path', 'level', 'rule', 'seen', 'last'], ...configured, ...found]));
}

/** In their order, the built-in ones behind the service's own: what is never recorded is a part of the answer. */
export function rulesInForce({ policy: { rules, excludePaths } }: AuditConfig): readonly PolicyRule[] {
  const builtIn = defaultRules(excludePaths).map(({ rule }) => {
    if (rule.name === 'default:excluded') return { ...rule, match: { ...rule.match, path: excludePaths } };
    return rule.name === 'default:preflight' ? { ...rule, match: { ...rule.match, path: ['(preflights)'] } } : rule;
  });
  return [...rules, ...builtIn.filter(({ match }) => match.path?.length !== 0)];
}

interface Seen {
  readonly method: string;
  readonly route: string;
  readonly levels: Map<string, string>;
  count: number;
  last: string;
}

function see(seen: Map<string, Seen>, { kind, phase, request, response, actor, tenant, time }: AuditRecord, policy: Policy): void {
  // Amendments, events and start records speak of a request that has a record of its own.
  if (kind !== 'http' || phase !== undefined || request?.method === undefined || request.path === undefined) return;
  const facts = {
    method: request.method,
    path: request.path,
    route: request.route,
    status: response?.status,
    actorType: actor.type,
    tenant: tenant?.id,
    contentType: request.contentType,
  };
  addSeen(seen, {
    method: facts.method,
    route: facts.route ?? templateOf(facts.path),
    levels: levelsOf(policy, facts),
    count: 1,
    last: time,
  });
}

function addSeen(seen: Map<string, Seen>, one: Seen): void {
  const key = `${one.method} ${one.route}`;
  const known = seen.get(key);
  if (known === undefined) return void seen.set(key, one);
  known.count += one.count;
  if (one.last > known.last) known.last = one.last;
  for (const [level, rule] of one.levels) known.levels.set(level, rule);
}

interface SeenFacts {
  readonly method: string;
  readonly path: string;
  readonly route: string | null | undefined;
  readonly status: number | null | undefined;
  readonly actorType: string;
  readonly tenant: string | null | undefined;
  readonly contentType: string | null | undefined;
}

/** What the policy of today would do with it. */
function levelsOf(
  policy: Policy,
  { method, path: rawPath, route, status, actorType, tenant, contentType }: SeenFacts,
): Map<string, string> {
  const start = policy.atStart({ method, rawPath, headers: { 'content-type': contentType ?? undefined } });
  const { rule } = start.atClose({ route: route ?? undefined, status: status ?? undefined, actorType, tenantId: tenant ?? undefined });
  return new Map([[rule.level, rule.name]]);
}

async function* recordsIn(directory: string): AsyncGenerator<JournalledRecord> {
  for (const name of segmentsIn(directory)) {
    for await (const lines of fileLines(path.join(directory, name))) {
      for (const { text } of lines) {
        const record = recordOf(text);
        if (record !== undefined) yield record;
      }
    }
  }
}

function segmentsIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => segmentNumber(path.basename(name)) !== undefined);
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_EXPORTER', `the directory ${directory} cannot be read`, { cause });
  }
}

// One path stands for all of a route: rules that tell them apart show in the level of that one.
const GROUPS = `SELECT method, min(path) AS path, route, status_code AS status, coalesce(actor_type, 'anonymous') AS "actorType",
  tenant_id AS tenant, request_content_type AS "contentType", count(*)::int AS count, max(occurred_at) AS last
  FROM audit_logs WHERE kind = 'http' AND phase IS NULL GROUP BY method, route, CASE WHEN route IS NULL THEN path END, 4, 5, 6, 7`;

const TIMEOUT_MS = 600_000;

function rowsIn(database: DatabaseAccess): Promise<readonly (SeenFacts & Pick<Seen, 'count' | 'last'>)[]> {
  return withConnection(database, { what: 'the database cannot be read', statementTimeoutMs: TIMEOUT_MS }, async (client) => {
    const { rows } = await client.query<SeenFacts & { readonly count: number; readonly last: Date }>(GROUPS);
    return rows.map((row) => ({ ...row, last: row.last.toISOString() }));
  });
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
