/** `otel-audit verify`: says whether a trail is what was recorded, what contradicts it, and what nobody can know. */

import { type Command, Option } from 'commander';
import { AuditError, messageOf } from '../errors.js';
import { isNoTrail, type Verification, verifyTrail } from '../integrity/verify.js';
import { readCheckpointFile } from '../trail/checkpoint-file.js';
import { believedKeys } from './believed-keys.js';
import type { CommandContext } from './context.js';
import { durationMs, whenOf } from './flags.js';
import { openTrail } from './open-trail.js';
import { showProgress } from './progress.js';
import { verificationText } from './verify-text.js';

interface VerifyFlags {
  readonly checkpoints?: readonly string[];
  readonly keys?: string;
  readonly since?: string;
  /** In milliseconds. */
  readonly grace: number;
  readonly part?: boolean;
  readonly whole?: boolean;
  readonly requireSigned: boolean;
  readonly json: boolean;
  readonly progress: boolean;
}

const CONTRADICTED = 1;
const UNCHECKED = 2;
const GRACE = new Option('--grace <duration>', 'what was signed within it may still be on its way')
  .argParser(durationMs)
  .default(60_000, '60s');

export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .description(
      'check every record, chain, gap and signed checkpoint; exit status 0: no contradiction, 1: tampering or a gap, 2: could not check',
    )
    .argument('[trail]', 'database URL, directory, archive (.jsonl, .jsonl.gz) or Azure export; default: as configured')
    .option('--checkpoints <file...>', 'copies of checkpoints that were kept elsewhere')
    .option('--keys <file>', 'ledger of keys, or public keys; default: the key in AUDIT_SIGNING_KEY')
    .option('--since <when>', 'a time, or how long ago: 7d, 12h', whenOf)
    .addOption(GRACE)
    .option('--part', 'what is missing before, after and beside it is not held against it; so for files by default')
    .option('--whole', 'it is')
    .option('--require-signed', 'exit status 1 if a record is covered by no checkpoint of a known key', false)
    .option('--json', 'for machines', false)
    .option('--progress', 'say on standard error how far it is', process.stderr.isTTY === true)
    .action(async (place: string | undefined, flags: VerifyFlags) => {
      try {
        const verification = await verify(place, flags, context);
        if (flags.since === undefined && isNoTrail(verification))
          throw new AuditError('ERR_AUDIT_TRAIL', `${verification.trail} holds no record and no checkpoint of otel-audit`);
        const isGood = passes(verification, flags.requireSigned);
        context.write(
          flags.json ? `${JSON.stringify({ ok: isGood, ...verification }, undefined, 2)}\n` : verificationText(verification, isGood),
        );
        if (!isGood) process.exitCode = CONTRADICTED;
      } catch (error) {
        process.stderr.write(`could not check: ${messageOf(error)}\n`);
        process.exitCode = UNCHECKED;
      }
    });
}

async function verify(place: string | undefined, flags: VerifyFlags, context: CommandContext): Promise<Verification> {
  const nowMs = Date.now();
  const keys = believedKeys(flags.keys, context);
  const copies = (flags.checkpoints ?? []).flatMap(readCheckpointFile);
  const { since, grace: graceMs } = flags;
  const trail = await openTrail(place, context);
  const isComplete = flags.part === true ? false : flags.whole === true || trail.isComplete;
  const progress = flags.progress ? showProgress() : undefined;
  try {
    return await verifyTrail({ trail: { ...trail, isComplete }, copies, keys, since, graceMs, nowMs, onProgress: progress?.at });
  } finally {
    progress?.end();
    await trail.close();
  }
}

function passes({ findings, leftOut, unproven }: Verification, requireSigned: boolean): boolean {
  return findings.length + leftOut === 0 && !(requireSigned && unproven.some(({ kind }) => kind === 'unsigned'));
}
