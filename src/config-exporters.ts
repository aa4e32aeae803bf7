/** Which exporters a configuration means, and what each of them lacks to work. */

import type { RawSettings, Settings } from './config-settings.js';
import type { SettingSources } from './config-sources.js';
import { moduleUrl } from './module-url.js';
import type { DeliveryMode } from './policy-rule.js';

export const BUILT_IN_EXPORTERS: readonly string[] = ['postgres', 'azure', 'azure-logs', 'otlp', 'file', 'console'];

/** Application Insights' own variable is not a choice: bodies must not slip into a team's general telemetry by accident. */
export function exportersOf(settings: Settings, faulty: ReadonlySet<string>): readonly string[] {
  // Whoever delivers has the exporters, and their credentials.
  if (settings.WORKER === 'external') return [];
  if (settings.EXPORTER.length > 0) return [...new Set(settings.EXPORTER)];
  if (isGiven('POSTGRES_URL', settings, faulty) || isGiven('CONTROL_DB_URL', settings, faulty)) return ['postgres'];
  return settings.AZURE_CONNECTION_STRING === undefined ? ['file'] : ['azure'];
}

/** Set, rightly or wrongly: a faulty value is told once, as what it is, and not as missing too. */
function isGiven(name: keyof Settings, settings: Settings, faulty: ReadonlySet<string>): boolean {
  return settings[name] !== undefined || faulty.has(name);
}

export function choiceFaults(
  exporters: readonly string[],
  settings: Settings,
  faulty: ReadonlySet<string>,
  { env, directory }: SettingSources,
): readonly string[] {
  const faults: string[] = [];
  if (settings.WORKER === 'external' && settings.JOURNAL_DIR === undefined) {
    faults.push('AUDIT_JOURNAL_DIR: AUDIT_WORKER=external needs it; set it to the directory that `otel-audit deliver` serves');
  }
  if (exporters.includes('postgres') && !isGiven('POSTGRES_URL', settings, faulty) && !isGiven('CONTROL_DB_URL', settings, faulty)) {
    faults.push('AUDIT_POSTGRES_URL: the postgres exporter needs it; set it to postgres://user:password@host:5432/database');
  }
  if (
    exporters.includes('azure') &&
    settings.AZURE_CONNECTION_STRING === undefined &&
    env['APPLICATIONINSIGHTS_CONNECTION_STRING'] === undefined
  ) {
    faults.push(
      'AUDIT_AZURE_CONNECTION_STRING: the azure exporter needs it; copy it from the overview page of the Application Insights resource',
    );
  }
  if (exporters.includes('file') && settings.JOURNAL_DIR !== undefined) {
    faults.push('AUDIT_JOURNAL_DIR: the file exporter is the journal itself; set AUDIT_FILE_DIR only, or leave the file exporter out');
  }
  for (const name of exporters) {
    if (!BUILT_IN_EXPORTERS.includes(name) && moduleUrl(name, directory) === undefined) faults.push(exporterFault(name));
  }
  return faults;
}

/** What has been confirmed must be found again: not in a folder that the next container or clean-up takes away. */
export function deliveryFaults(
  exporters: readonly string[],
  { DELIVERY, JOURNAL_DIR, policy }: Settings,
  raw: RawSettings,
): readonly string[] {
  const waits = (mode: DeliveryMode | undefined): boolean => mode !== undefined && mode !== 'async';
  const isFile = exporters.includes('file');
  if (isFile ? raw['FILE_DIR'] !== undefined : JOURNAL_DIR !== undefined) return [];
  const needed = isFile ? 'AUDIT_FILE_DIR' : 'AUDIT_JOURNAL_DIR';
  const why = 'must be set for confirmed and strict delivery, to a directory on a volume that outlives the container';
  return waits(DELIVERY) || policy.some((rule) => waits(rule.delivery)) ? [`${needed}: ${why}`] : [];
}

function exporterFault(name: string): string {
  // A name that does not look like one may be a pasted connection string.
  const said = /^[@\w./-]{1,80}$/.test(name) ? `'${name}'` : 'a value that is no exporter name';
  return `AUDIT_EXPORTER: ${said} is neither built in (${BUILT_IN_EXPORTERS.join(', ')}) nor a module that can be found from the working directory`;
}
