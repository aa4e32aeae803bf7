/** `otel-audit doctor`: says what the preload would do here, and why, without starting anything. */

import type { Command } from 'commander';
import { exporterFaults, probeExporter, runsOn } from '../../exporters/index.js';
import { type AuditConfig, type ConfigSources, loadConfig } from '../config.js';
import { reportSettings, type SettingReport } from '../config-report.js';
import { readCursor } from '../delivery/cursor.js';
import { AuditConfigError } from '../errors.js';
import { defaultJournalDirectory } from '../journal/destinations.js';
import { inspectJournal, type JournalInspection, type StreamInspection } from '../journal/inspect.js';
import { entryDirectory, readModeFacts } from '../mode-facts.js';
import { redactionFaults } from '../redaction-faults.js';
import { chooseMode, declaredSdks, type ModeChoice, type ModeFacts, preloadedSdks } from '../telemetry/mode.js';
import type { CommandContext } from './context.js';
import { doctorText } from './doctor-text.js';

export function addDoctor(program: Command, { write }: CommandContext): void {
  program
    .command('doctor')
    .description('say what the preload would do here and why: mode, settings and their origins, exporters, journal; starts nothing')
    .argument('[entry]', "the service's entry script; default: the working directory")
    .option('--json', 'for machines', false)
    .action(async (entry: string | undefined, { json }: { readonly json: boolean }) => {
      const directory = entryDirectory(entry);
      const sources = { env: process.env, directory: process.cwd(), entryDirectory: directory };
      const isWell = await runDoctor({ sources, factsOf: (configured) => readModeFacts(configured, directory), json, write });
      if (!isWell) process.exitCode = 1;
    });
}

export interface DoctorReport {
  /** Nothing is wrong: the configuration is sound, every exporter can be reached, the journal can be used. */
  readonly healthy: boolean;
  readonly node: string;
  readonly mode: { readonly mode: ModeChoice['mode'] | 'off'; readonly reason: string };
  /** Telemetry SDKs of the service, as far as they can be seen from outside of its process. */
  readonly found: { readonly declared: readonly string[]; readonly preloaded: readonly string[] };
  readonly settings: readonly SettingReport[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  readonly exporters: readonly ExporterReport[];
  /** Undefined where the configuration has faults: it may name another one. */
  readonly journal?: JournalReport | undefined;
}

export interface ExporterReport {
  readonly name: string;
  readonly runsOn: 'worker' | 'main';
  readonly reachable: boolean;
  readonly findings: readonly string[];
}

export interface JournalReport extends JournalInspection {
  readonly streams: readonly (StreamInspection & {
    /** By exporter: records it has not answered for. */
    readonly undelivered: Readonly<Record<string, number>>;
  })[];
}

interface DoctorOptions {
  readonly sources: Omit<ConfigSources, 'overrides' | 'faultsOf'>;
  readonly factsOf: (configured: AuditConfig['mode']) => ModeFacts;
  readonly json: boolean;
  readonly write: (text: string) => void;
}

/** Answers whether all is well. */
async function runDoctor({ sources, factsOf, json, write }: DoctorOptions): Promise<boolean> {
  const report = await examine(sources, factsOf);
  write(json ? `${JSON.stringify(report, undefined, 2)}\n` : doctorText(report));
  return report.healthy;
}

async function examine(sources: DoctorOptions['sources'], factsOf: DoctorOptions['factsOf']): Promise<DoctorReport> {
  const { config, faults } = load(sources);
  const facts = factsOf(config?.mode ?? 'auto');
  const exporters = await Promise.all((config?.exporters ?? []).map((name) => reportExporter(name, config as AuditConfig)));
  const journal = config && (await reportJournal(config));
  return {
    healthy: faults.length === 0 && exporters.every(({ reachable }) => reachable) && isFit(journal),
    node: process.versions.node,
    mode: config?.enabled === false ? { mode: 'off', reason: 'AUDIT_ENABLED is false' } : chooseMode(facts),
    found: { declared: declaredSdks(facts), preloaded: preloadedSdks(facts) },
    settings: reportSettings(sources),
    faults,
    warnings: config?.warnings ?? [],
    exporters,
    journal,
  };
}

function load(sources: DoctorOptions['sources']): { readonly config?: AuditConfig; readonly faults: readonly string[] } {
  try {
    return {
      config: loadConfig({ ...sources, faultsOf: (config) => [...exporterFaults(config), ...redactionFaults(config)] }),
      faults: [],
    };
  } catch (error) {
    if (error instanceof AuditConfigError) return { faults: error.faults };
    throw error;
  }
}

async function reportExporter(name: string, config: AuditConfig): Promise<ExporterReport> {
  return { name, runsOn: runsOn(name), ...(await probeExporter(name, config)) };
}

async function reportJournal(config: AuditConfig): Promise<JournalReport> {
  const inspection = await inspectJournal(config.journal.directory ?? defaultJournalDirectory(config));
  const streams = await Promise.all(
    inspection.streams.map(async (stream) => {
      const left = config.exporters.map(async (name) => {
        const { seq } = await readCursor(stream.directory, name);
        return [name, stream.state === 'complete' ? 0 : Math.max(0, stream.lastSeq - seq)] as const;
      });
      const undelivered = await Promise.all(left);
      // A process that ends does not say so of its own stream: whoever starts next does. The cursors say it already.
      const isDone = stream.state === 'waiting' && undelivered.length > 0 && undelivered.every(([, count]) => count === 0);
      return { ...stream, state: isDone ? 'complete' : stream.state, undelivered: Object.fromEntries(undelivered) };
    }),
  );
  return { ...inspection, streams };
}

function isFit(journal: JournalReport | undefined): boolean {
  return journal?.state === 'usable' || journal?.state === 'absent';
}
