/** Starts one pipeline in this thread: reads environment and process, hands them on, and follows the process's end. */

import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { v7 as uuidv7 } from 'uuid';
import { exporterFaults } from '../exporters/index.js';
import { createFrameworkSearch } from './capture/framework-search.js';
import { followRouteChannels } from './capture/route.js';
import { installTap } from './capture/tap.js';
import { knownDrivers } from './changes/drivers.js';
import { reachDrivers } from './changes/reach.js';
import { type AuditConfig, type AuditMode, type ConfigSources, loadConfig } from './config.js';
import { hashConfig } from './config-hash.js';
import type { RawSettings } from './config-settings.js';
import { moduleFaults } from './delivery/module-check.js';
import { messageOf } from './errors.js';
import type { AuditExporter } from './exporter.js';
import { CHECKPOINT_FILE, createCopies } from './integrity/checkpoint-copies.js';
import { siblingTips } from './integrity/sibling-tips.js';
import { parseSigningKey } from './integrity/signing-key.js';
import { defaultJournalDirectory } from './journal/destinations.js';
import { livePipeline, publishPipeline } from './live.js';
import { startMetrics } from './metrics/metrics.js';
import { entryDirectory, hasWrappedServer, readModeFacts } from './mode-facts.js';
import { nearestPackage } from './package-manifest.js';
import { createPipeline, type Pipeline, type PipelineParts } from './pipeline.js';
import { watchPolicy } from './policy-watch.js';
import { followProcessEnd } from './process-end.js';
import { redactionFaults } from './redaction-faults.js';
import type { RedactionFunctions } from './redaction-functions.js';
import { serviceProcess } from './service-process.js';
import { createSink, type SinkOptions } from './sink.js';
import { activeHostSpan, activeRpcMetadata } from './telemetry/host-span.js';
import { chooseMode, type ModeChoice } from './telemetry/mode.js';
import { createPrivateLogger } from './telemetry/private-logger.js';

export interface EnvironmentOptions {
  readonly mode?: AuditMode | undefined;
  readonly settings?: RawSettings | undefined;
  readonly exporters?: readonly AuditExporter[] | undefined;
  readonly redaction?: RedactionFunctions | undefined;
}

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG when a setting is wrong. */
export function startFromEnvironment(options: EnvironmentOptions = {}): Pipeline {
  const live = livePipeline();
  if (live !== undefined) return live as Pipeline;
  const overrides: Record<string, unknown> = { ...options.settings };
  if (options.mode !== undefined) overrides['MODE'] = options.mode;
  // Objects replace the named exporters; `console` only stands in while the configuration is checked, as it needs nothing.
  if (options.exporters !== undefined) overrides['EXPORTER'] = ['console'];
  const { env, entry, directory } = serviceProcess(process);
  const sources: ConfigSources = {
    // A copy: what the service puts into its environment later must not be taken for a new configuration.
    env: { ...env },
    directory,
    entryDirectory: entryDirectory(entry),
    overrides,
    faultsOf: (config) => [...exporterFaults(config), ...redactionFaults(config)],
  };
  const checked = loadConfig({
    ...sources,
    faultsOf: (config) => [...exporterFaults(config), ...faultsOfModules(config, env, directory), ...redactionFaults(config)],
  });
  const config = options.exporters === undefined ? checked : { ...checked, exporters: [] };
  const choice = modeOf(config, entryDirectory(entry));
  const { redaction } = options;
  const parts = { env, redaction, exporters: options.exporters ?? [], onOpen: (live: Pipeline) => followPolicy(live, checked, sources) };
  const pipeline = assemble(config, choice, parts);
  publishPipeline(pipeline);
  for (const warning of config.warnings) warn(warning);
  if (config.enabled) follow(pipeline, config, choice, entryDirectory(entry));
  return pipeline;
}

/** A thread of the service is started by a main thread that has tried the modules already. */
function faultsOfModules(config: AuditConfig, env: SinkOptions['env'], directory: string): readonly string[] {
  return config.enabled && isMainThread ? moduleFaults(config, env, directory) : [];
}

interface AssemblyParts extends Pick<SinkOptions, 'env' | 'exporters'>, Pick<EnvironmentOptions, 'redaction'> {
  readonly onOpen: (pipeline: Pipeline) => void;
}

function assemble(config: AuditConfig, { mode }: ModeChoice, { env, exporters, redaction, onOpen }: AssemblyParts): Pipeline {
  const stream = uuidv7();
  const service = { ...config.service, instanceId: stream };
  const pipeline = createPipeline(config, {
    service,
    spanBodies: config.capture.spanBodies === 'on' || (config.capture.spanBodies === 'auto' && mode === 'standalone'),
    createSink(counters, onLoss, onChanges) {
      // Not before: a signal listener keeps a process that never serves from ending at once.
      followProcessEnd(process, pipeline, config.delivery.shutdownTimeoutMs);
      onOpen(pipeline);
      const metrics = startMetrics({ health: pipeline.health, prometheus: isMainThread ? config.metrics.prometheus : undefined, warn });
      const sink = createSink({
        config,
        service,
        stream,
        exporters,
        env,
        counters,
        onLoss,
        onChanges,
        onExported: metrics.recordExport,
        warn,
      });
      return { ...sink, shutdown: (timeoutMs) => sink.shutdown(timeoutMs).finally(metrics.close) };
    },
    emitLog: createPrivateLogger(),
    activeSpan: activeHostSpan,
    spanBeginsLate: hasWrappedServer(),
    activeRpcMetadata,
    warn,
    redaction,
    checkpoints: checkpointsOf(config, stream, exporters),
    start: {
      configHash: hashConfig(config),
      exporters: [...config.exporters, ...exporters.map((exporter) => exporter.name)],
      rules: config.policy.rules.length,
      mode,
      version: nearestPackage(__dirname).version ?? 'unknown',
      node: process.version,
      pid: process.pid,
    },
  });
  return pipeline;
}

function checkpointsOf(config: AuditConfig, stream: string, exporters: readonly AuditExporter[]): PipelineParts['checkpoints'] {
  const key = config.keys.signing === undefined ? undefined : parseSigningKey(config.keys.signing);
  if (key === undefined) return undefined;
  const { intervalMs, file, url } = config.checkpoints;
  const objects = exporters.map((exporter) => exporter.name);
  const directory = config.journal.directory ?? defaultJournalDirectory(config, objects);
  return {
    key,
    stream,
    intervalMs,
    nowMs: () => Date.now(),
    onError: (error) => warn(`a checkpoint could not be made: ${messageOf(error)}`),
    copy: createCopies({ file: file ?? path.join(directory, CHECKPOINT_FILE), url, warn }),
    siblings: () => siblingTips(directory, stream, config.service.name),
  };
}

/** The order matters: our wrapper must be innermost, so it is there before an instrumentation wraps around it. */
function follow(pipeline: Pipeline, config: AuditConfig, { mode }: ModeChoice, directory: string): void {
  const onError = (error: unknown): void => warn(`an error of otel-audit was kept from the service: ${messageOf(error)}`);
  const currentRequest = (): object | undefined => pipeline.capture.current()?.request;
  const frameworks = createFrameworkSearch({ modules: require.cache, directory, currentRequest });
  installTap({
    capture: pipeline.capture,
    echoHeader: config.capture.echoRequestId ? config.capture.requestIdHeader : undefined,
    onHandler(exchange) {
      frameworks.searchAtFirstRequest();
      pipeline.enterHandler(exchange);
    },
    onListening() {
      pipeline.open();
      frameworks.search();
    },
    onError,
  });
  followRouteChannels();
  if (pipeline.changes !== undefined) reachDrivers(knownDrivers(pipeline.changes.carrier), onError);
  if (mode !== 'standalone') return;
  // Loaded here and not above: attach mode must load neither the SDK nor the instrumentation.
  const { startStandalone } = require('./telemetry/standalone.js') as typeof import('./telemetry/standalone.js');
  startStandalone(pipeline.hooks, config.service.name);
}

function modeOf(config: AuditConfig, directory: string): ModeChoice {
  // A second SDK in every worker thread would cost each its start; the tap alone records as well.
  if (!isMainThread && config.mode === 'auto') return { mode: 'attach', reason: 'this is a worker thread' };
  return chooseMode(readModeFacts(config.mode, directory));
}

/** Only the policy may change while the service runs; of anything else in the file it is said that it waits for a restart. */
function followPolicy(pipeline: Pipeline, config: AuditConfig, sources: ConfigSources): void {
  const name = sources.env['AUDIT_CONFIG_FILE'];
  const { policyReloadMs } = config.lifecycle;
  if (name === undefined || name === '' || policyReloadMs === 0) return;
  const file = path.resolve(sources.directory, name);
  const hash = hashConfig(config);
  watchPolicy({
    file,
    intervalMs: policyReloadMs,
    reload() {
      const next = loadConfig(sources);
      pipeline.setPolicy(next.policy);
      if (hashConfig(next) !== hash) warn(`${file} was changed in more than its policy; the rest has effect after a restart`);
    },
    onRejected(faults) {
      warn(
        `${file} is broken and was not loaded, the policy before it stays in force:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      );
      pipeline.rejectPolicy(faults);
    },
  });
}

function warn(message: string): void {
  process.emitWarning(message, { type: 'OtelAuditWarning' });
}
