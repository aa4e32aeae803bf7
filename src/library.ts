/** For services that own their telemetry SDK: starts the pipeline without a preload and gives the hooks to wire in. */

import type { AuditHttpHooks } from './capture/hooks.js';
import type { RawSettings } from './config-settings.js';
import type { AuditExporter } from './exporter.js';
import type { AuditHealth } from './health.js';
import { livePipeline } from './live.js';
import type { RedactionFunctions } from './redaction-functions.js';
import { startFromEnvironment } from './start.js';

export interface StartOptions {
  /** Settings by their name without `AUDIT_`: `{ MAX_BODY_BYTES: 2000 }`. They win over the environment. */
  readonly settings?: RawSettings | undefined;
  /** Exporters as objects, run on this thread, instead of those that the settings name. */
  readonly exporters?: readonly AuditExporter[] | undefined;
  /** Besides the names and patterns of the settings. Without effect where a preload runs: there `redaction.functions` names a module. */
  readonly redaction?: RedactionFunctions | undefined;
}

export interface AuditHandle {
  /** Waits until what has been recorded is delivered, at most `timeoutMs` (default `AUDIT_SHUTDOWN_TIMEOUT_MS`). */
  flush(timeoutMs?: number): Promise<AuditHealth>;
  health(): AuditHealth;
  /** Flushes and closes everything. Requests after it are counted as dropped. */
  shutdown(timeoutMs?: number): Promise<void>;
}

/**
 * Starts the pipeline in this thread, or answers the one that lives.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG when a setting is wrong; the message lists every fault.
 */
export function startAudit(options: StartOptions = {}): AuditHandle {
  return livePipeline() ?? startFromEnvironment({ ...options, mode: 'library' });
}

/**
 * The hooks for the service's own `HttpInstrumentation` (or `instrumentationOptions.http` of Azure Monitor). Starts the
 * pipeline if none lives.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG as `startAudit`.
 */
export function auditHttpHooks(): AuditHttpHooks {
  return (livePipeline() ?? startFromEnvironment({ mode: 'library' })).hooks;
}
