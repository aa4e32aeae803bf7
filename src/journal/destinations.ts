/** Which destinations a configuration means, as a fingerprint that holds no secret, and the directory that follows from it. */

import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { AuditConfig } from '../config.js';
import { sha256 } from './chain.js';

/** In the place of a fingerprint: whoever serves the directory delivers the stream. A fingerprint is hexadecimal, so never this. */
export const EXTERNAL = 'external';

/**
 * Stable for the same exporters and the same places they write to, whatever the passwords: rotating one must not orphan
 * the streams of the last run. `objects`: names of exporters given as objects.
 */
export function fingerprintDestinations(config: AuditConfig, objects: readonly string[] = []): string {
  const places = config.exporters.map((exporter) => [exporter, placeOf(exporter, config)]);
  return sha256(JSON.stringify([...places, ...objects.map((name) => [name, 'object'])])).slice(0, 16);
}

/** Where a configuration that names no directory keeps its journal: one folder a user and set of destinations. */
export function defaultJournalDirectory(config: AuditConfig, objects: readonly string[] = []): string {
  const user = process.getuid?.() ?? userInfo().username;
  return join(tmpdir(), `otel-audit-${user}`, fingerprintDestinations(config, objects));
}

function placeOf(exporter: string, config: AuditConfig): string {
  switch (exporter) {
    case 'postgres':
      return databaseOf(config.postgres.url);
    case 'azure':
      return /InstrumentationKey=([^;]+)/i.exec(config.azure.connectionString ?? '')?.[1] ?? '';
    case 'azure-logs':
      return `${config.azureLogs.ruleId ?? ''}/${config.azureLogs.stream}`;
    case 'otlp':
      return config.otlp.endpoint ?? '';
    case 'file':
      return config.file.directory;
    default:
      return '';
  }
}

function databaseOf(url: string | undefined): string {
  if (url === undefined) return '';
  // No URL to the parser: several hosts.
  if (!URL.canParse(url)) return /^postgres(?:ql)?:\/\/(?:[^@/?#]*@)?([^?#]*)/.exec(url)?.[1] ?? '';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
