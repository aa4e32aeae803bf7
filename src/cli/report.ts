/** `otel-audit report`: one self-contained page, or JSON, that an auditor can be handed. */

import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { AuditConfig } from '../config.js';
import { AuditError, messageOf } from '../errors.js';
import { nearestPackage } from '../package-manifest.js';
import { reportPage } from '../report/page.js';
import { makeReport, type PolicyRow, type Report } from '../report/report.js';
import { readCheckpointFile } from '../trail/checkpoint-file.js';
import { believedKeys } from './believed-keys.js';
import type { CommandContext } from './context.js';
import { whenOf } from './flags.js';
import { rulesInForce } from './inventory.js';
import { openTrail } from './open-trail.js';
import { showProgress } from './progress.js';
import { recordReading } from './record-reading.js';

interface ReportFlags {
  readonly since: string;
  readonly until?: string;
  readonly out?: string;
  readonly format?: 'html' | 'json';
  readonly keys?: string;
  readonly checkpoints?: readonly string[];
  readonly progress: boolean;
}

export function addReport(program: Command, context: CommandContext): void {
  program
    .command('report')
    .description('one page for an auditor: volumes, actors, refusals, changes, coverage, completeness, verification, controls')
    .argument('[trail]', 'database URL, directory, archive or Azure export; default: as configured')
    .addOption(new Option('--since <when>', 'a time, or how long ago: 30d, 12h').argParser(whenOf).default(whenOf('30d'), '30d'))
    .option('--until <when>', 'a time, or how long ago; default: now', whenOf)
    .option('--out <file>', 'a new file; default: standard output')
    .addOption(new Option('--format <format>', 'default: json for a file that ends in .json, else html').choices(['html', 'json']))
    .option('--keys <file>', 'ledger of keys, or public keys; default: the key in AUDIT_SIGNING_KEY')
    .option('--checkpoints <file...>', 'copies of checkpoints that were kept elsewhere')
    .option('--progress', 'say on standard error how far it is', process.stderr.isTTY === true)
    .action(async (place: string | undefined, flags: ReportFlags) => {
      const report = await make(place, flags, context);
      const isJson = flags.format === 'json' || (flags.format === undefined && flags.out?.endsWith('.json') === true);
      deliver(isJson ? `${JSON.stringify(report, undefined, 2)}\n` : reportPage(report), flags.out, context);
    });
}

async function make(place: string | undefined, flags: ReportFlags, context: CommandContext): Promise<Report> {
  const nowMs = Date.now();
  const { since, until } = flags;
  const keys = believedKeys(flags.keys, context);
  const copies = (flags.checkpoints ?? []).flatMap(readCheckpointFile);
  const config = configuration(context);
  const trail = await openTrail(place, context);
  const progress = flags.progress ? showProgress() : undefined;
  try {
    await recordReading({ command: 'report', trail: trail.name, filter: { since, until } });
    return await makeReport({
      trail,
      since,
      until,
      keys,
      copies,
      nowMs,
      version: nearestPackage(__dirname).version ?? 'unknown',
      policy: config && rowsOf(config),
      heartbeatMs: config?.lifecycle.heartbeatMs,
      onProgress: progress?.at,
    });
  } finally {
    progress?.end();
    await trail.close();
  }
}

/** Undefined where a trail is read without the service's own configuration. */
function configuration(context: CommandContext): AuditConfig | undefined {
  try {
    return context.config();
  } catch {
    return undefined;
  }
}

function rowsOf(config: AuditConfig): readonly PolicyRow[] {
  return rulesInForce(config).map(({ name, level, match }) => ({
    name,
    level,
    method: match.method?.join(', ') ?? 'any',
    place: [...(match.route ?? []), ...(match.path ?? [])].join(', ') || 'any',
  }));
}

/** A trail holds personal data: nobody else may read what is made of it. @throws {AuditError} ERR_AUDIT_TRAIL if the file is there already */
function deliver(text: string, out: string | undefined, { write }: CommandContext): void {
  if (out === undefined) return write(text);
  try {
    writeFileSync(out, text, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_TRAIL', `the report cannot be written: ${messageOf(cause)}`, { cause });
  }
}
