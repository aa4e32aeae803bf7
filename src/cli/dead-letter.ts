/** `otel-audit dead-letter`: what a sink refused, and what becomes of it. Safe while the service runs: files are only appended to. */

import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createExporterByName } from '../../exporters/index.js';
import type { AuditConfig } from '../config.js';
import { type DeadLetter, type DeadLetterDecision, isDeadLetterFile, readDeadLetters, writeDecision } from '../delivery/dead-letter.js';
import { DEFAULT_TIMING } from '../delivery/timing.js';
import { AuditError, messageOf } from '../errors.js';
import type { AuditExporter } from '../exporter.js';

export interface DeadLetterOptions {
  /** The journal directory. */
  readonly directory: string;
  /** Only of this exporter. */
  readonly exporter?: string | undefined;
  readonly write: (text: string) => void;
}

export interface DecideOptions extends DeadLetterOptions {
  /** Record ids. */
  readonly ids: readonly string[];
  /** Instead of `ids`. */
  readonly all: boolean;
}

export async function listDeadLetters({ json, write, ...options }: DeadLetterOptions & { readonly json: boolean }): Promise<void> {
  const letters = await findLetters(options);
  if (json) return write(`${JSON.stringify(letters.map(summaryOf), undefined, 2)}\n`);
  if (letters.length === 0) return write('no dead letters\n');
  for (const letter of letters) {
    const { id, exporter, time, action, service, reason } = summaryOf(letter);
    write(`${id}  ${exporter}  ${time}  ${service}  ${action}  ${reason}\n`);
  }
}

/** @throws {AuditError} ERR_AUDIT_JOURNAL if there is none of this id */
export async function showDeadLetter({ id, write, ...options }: DeadLetterOptions & { readonly id: string }): Promise<void> {
  const letters = await chosen({ ...options, ids: [id], all: false });
  for (const { exporter, time, reason, record } of letters) write(`${JSON.stringify({ exporter, time, reason, record }, undefined, 2)}\n`);
}

/** Offers letters to their exporters once more. Answers whether all were taken. */
export async function retryDeadLetters({ config, write, ...options }: DecideOptions & { readonly config: AuditConfig }): Promise<boolean> {
  const letters = await chosen(options);
  const exporters = new Map<string, AuditExporter>();
  let left = 0;
  try {
    for (const letter of letters) {
      const refusal = await offer(letter, config, exporters);
      if (refusal === undefined) await decide(letter, 'delivered');
      else left += 1;
      write(`${letter.record.id}  ${letter.exporter}  ${refusal ?? 'delivered'}\n`);
    }
  } finally {
    await Promise.all([...exporters.values()].map((exporter) => exporter.shutdown()));
  }
  return left === 0;
}

/** Gives letters up: they are listed no longer, and stay in their file with the decision beside it. */
export async function dropDeadLetters({ write, ...options }: DecideOptions): Promise<void> {
  for (const letter of await chosen(options)) {
    await decide(letter, 'dropped');
    write(`${letter.record.id}  ${letter.exporter}  dropped\n`);
  }
}

interface FoundLetter extends DeadLetter {
  readonly streamDirectory: string;
}

async function findLetters({ directory, exporter }: Omit<DeadLetterOptions, 'write'>): Promise<readonly FoundLetter[]> {
  const names = await readdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw new AuditError('ERR_AUDIT_JOURNAL', `the journal directory ${directory} cannot be read; say which with --journal`, { cause });
  });
  const files = names.filter((name) => isDeadLetterFile(name.slice(dirname(name).length + 1))).sort();
  const found: FoundLetter[] = [];
  for (const file of files) {
    const path = join(directory, file);
    for (const letter of (await readDeadLetters(path)).open) {
      if (exporter === undefined || letter.exporter === exporter) found.push({ ...letter, streamDirectory: dirname(path) });
    }
  }
  return found;
}

async function chosen({ ids, all, ...options }: Omit<DecideOptions, 'write'>): Promise<readonly FoundLetter[]> {
  const letters = await findLetters(options);
  if (all) return letters;
  const missing = ids.filter((id) => !letters.some(({ record }) => record.id === id));
  if (missing.length > 0) throw new AuditError('ERR_AUDIT_JOURNAL', `no dead letter has the id ${missing.join(', ')}`);
  return letters.filter(({ record }) => ids.includes(record.id));
}

function summaryOf({ exporter, time, reason, record }: DeadLetter) {
  const { id, action, service, integrity } = record;
  return { id, exporter, time, reason, service: service.name, action, stream: integrity.stream, seq: integrity.seq };
}

/** Why the sink did not take it. Each is offered alone: one that is still refused takes no other with it. */
async function offer(letter: DeadLetter, config: AuditConfig, exporters: Map<string, AuditExporter>): Promise<string | undefined> {
  try {
    const exporter = exporters.get(letter.exporter) ?? (await create(letter.exporter, config));
    exporters.set(letter.exporter, exporter);
    const [answer] = await exporter.export([letter.record], AbortSignal.timeout(DEFAULT_TIMING.exportDeadlineMs));
    return answer?.status === 'delivered' ? undefined : `not taken: ${answer?.reason ?? 'no answer'}`;
  } catch (error) {
    if (error instanceof AuditError) throw error;
    return `not taken: ${error instanceof Error ? error.name : messageOf(error)}`;
  }
}

async function create(exporter: string, config: AuditConfig): Promise<AuditExporter> {
  if (config.exporters.includes(exporter)) return await createExporterByName(exporter, config);
  throw new AuditError('ERR_AUDIT_EXPORTER', `${exporter} is not configured here; run the command with the environment of the service`);
}

async function decide({ streamDirectory, exporter, record }: FoundLetter, decision: DeadLetterDecision['decision']): Promise<void> {
  await writeDecision(streamDirectory, exporter, { time: new Date().toISOString(), id: record.id, decision });
}
