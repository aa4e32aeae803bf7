/** `otel-audit deliver`: delivers the journals of all processes of a host that leave it to others (`AUDIT_WORKER=external`). */

import { exporterFaults } from '../../exporters/index.js';
import { type AuditConfig, loadConfig } from '../config.js';
import type { RawSettings } from '../config-settings.js';
import { startDelivery } from '../delivery/delivery.js';
import type { Delivery, UncleanStream } from '../delivery/delivery-contract.js';
import { type HostLease, takeHostLease } from '../delivery/host-lease.js';
import { AuditConfigError, AuditError } from '../errors.js';
import { createCaptureCounters, type HealthVerdict } from '../health.js';
import { createHealthJudge } from '../health-verdict.js';
import { defaultJournalDirectory, fingerprintDestinations } from '../journal/destinations.js';
import { createJournal } from '../journal/journal.js';
import type { Journal } from '../journal/journal-contract.js';
import { useJournalKeys } from '../journal/keyring.js';
import { preparePrivateDirectory } from '../journal/layout.js';
import { createLossRecord, lossOf } from '../journal/loss.js';
import { startMetrics } from '../metrics/metrics.js';

export interface DeliverOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start. */
  readonly directory: string;
  /** Default: `AUDIT_JOURNAL_DIR`, else the folder of this user and these destinations below the temporary one. */
  readonly journal?: string | undefined;
  /** Deliver what there is and end, after so long at most; undefined: go on until told to stop. */
  readonly onceMs?: number | undefined;
  /** Aborts when it is time to stop. */
  readonly stop: AbortSignal;
  readonly write: (text: string) => void;
  readonly warn: (message: string) => void;
}

/** How often to look for new processes and for ended ones. */
const SCAN_MS = 500;
const LEASE_WAIT_MS = 1000;

/**
 * Answers whether everything there was has been delivered.
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG; {AuditError} ERR_AUDIT_JOURNAL if the directory is not fit, or with `onceMs` served already
 */
export async function runDeliver(options: DeliverOptions): Promise<boolean> {
  const config = configOf(options);
  const directory = config.journal.directory ?? defaultJournalDirectory(config);
  preparePrivateDirectory(directory, 'AUDIT_JOURNAL_DIR');
  const lease = await awaitLease(directory, options);
  if (lease === undefined) return true;
  try {
    return await serve(config, directory, options);
  } finally {
    await lease.release();
  }
}

function configOf({ env, directory, journal }: DeliverOptions): AuditConfig {
  // The services' own environment may be shared with us.
  const load = (overrides: RawSettings) =>
    loadConfig({ env, directory, overrides: { WORKER: true, ...overrides }, faultsOf: exporterFaults });
  if (!load({ JOURNAL_DIR: undefined }).exporters.includes('file')) return load(journal === undefined ? {} : { JOURNAL_DIR: journal });
  throw new AuditConfigError([
    'AUDIT_EXPORTER: the file exporter is the journal itself and cannot be delivered to; set AUDIT_POSTGRES_URL, or name another exporter',
  ]);
}

async function awaitLease(directory: string, { onceMs, stop, write }: DeliverOptions): Promise<HostLease | undefined> {
  let isToldToWait = false;
  while (!stop.aborted) {
    const lease = await takeHostLease(directory);
    if (lease !== undefined) return lease;
    if (onceMs !== undefined) throw new AuditError('ERR_AUDIT_JOURNAL', `another process delivers ${directory} already`);
    if (!isToldToWait) write(`another process delivers ${directory}; waiting to take over\n`);
    isToldToWait = true;
    await pause(LEASE_WAIT_MS, stop);
  }
  return undefined;
}

async function serve(config: AuditConfig, directory: string, { env, onceMs, stop, write, warn }: DeliverOptions): Promise<boolean> {
  const manifest = {
    service: 'otel-audit deliver',
    destinations: fingerprintDestinations(config),
    exporters: config.exporters,
    servesAll: true,
  };
  // For the records that say that records are missing; it goes away with its last one.
  const journal = createJournal({
    directory,
    manifest,
    maxBytes: config.journal.maxBytes,
    key: useJournalKeys(config.keys.journal),
    onWarning: warn,
  });
  let delivery: Delivery | undefined;
  const judge = createHealthJudge(() => performance.now());
  const metrics = startMetrics({
    health: () => {
      const symptoms = { capture: createCaptureCounters(), exporters: delivery?.counters() ?? {} };
      return { ...judge(symptoms), ...symptoms };
    },
    prometheus: config.metrics.prometheus,
    warn,
  });
  delivery = startDelivery({
    config,
    journal,
    manifest,
    env,
    service: { name: config.service.name, instanceId: journal.position.stream },
    async storeChanges(records) {
      if (!records.every((record) => journal.append(record))) return false;
      await journal.sync();
      return true;
    },
    adoptIntervalMs: SCAN_MS,
    onWarning: warn,
    onUncleanStream: (stream) => appendLoss(journal, stream),
    onExported: metrics.recordExport,
  });
  write(`delivering ${directory} to ${config.exporters.join(', ')}\n`);
  if (onceMs === undefined) await watch(delivery, stop, write);
  const { isComplete, settledSeq, counters } = await delivery.shutdown(onceMs ?? config.delivery.shutdownTimeoutMs);
  await journal.close(settledSeq);
  metrics.close();
  for (const [name, { delivered, undelivered, deadLettered }] of Object.entries(counters)) {
    write(`${name}: delivered ${delivered}, left in the journal ${undelivered}, dead letters ${deadLettered}\n`);
  }
  return isComplete;
}

function appendLoss(journal: Journal, stream: UncleanStream): void {
  journal.append(createLossRecord(lossOf(stream, Date.now()), { name: stream.service, instanceId: stream.stream }));
}

/** Says at every change how it stands, until told to stop. */
async function watch(delivery: Delivery, stop: AbortSignal, write: (text: string) => void): Promise<void> {
  const judge = createHealthJudge(() => performance.now());
  let said = '';
  while (!stop.aborted) {
    const verdict = judge({ exporters: delivery.counters() });
    if (verdict.status !== said) write(textOf(verdict));
    said = verdict.status;
    await pause(SCAN_MS, stop);
  }
}

function textOf({ status, reasons }: HealthVerdict): string {
  return `${status}${reasons.map((reason) => `\n  ${reason}`).join('')}\n`;
}

/** Keeps the process alive: nothing else of ours does. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener('abort', end);
  });
}
