/** Says of every setting what it is and where it comes from, without showing a secret. For people, not for the pipeline. */

import type { ConfigSources } from './config.js';
import { parseSettings, SETTING_NAMES } from './config-settings.js';
import { readSources, SECRETS } from './config-sources.js';

export interface SettingReport {
  /** `AUDIT_MAX_BODY_BYTES`; `policy` and `exporters` of the configuration file as they are called there. */
  readonly name: string;
  /** For people: secrets and what may hold one are masked, lists are joined. */
  readonly value: string;
  readonly origin: 'default' | 'environment' | 'file' | 'program';
  /** The variable or file it was read from. */
  readonly from?: string | undefined;
}

export function reportSettings(sources: ConfigSources): readonly SettingReport[] {
  const { raw, origins } = readSources(sources);
  const { settings, faulty } = parseSettings(raw);
  return [...SETTING_NAMES, 'policy', 'exporters'].map((name) => {
    const from = origins[name];
    return {
      name: name === name.toUpperCase() ? `AUDIT_${name}` : name,
      value: faulty.has(name) ? '(faulty)' : shown(name, (settings as Readonly<Record<string, unknown>>)[name]),
      origin: originOf(from),
      from: from === 'program' ? undefined : from,
    };
  });
}

function originOf(from: string | undefined): SettingReport['origin'] {
  if (from === undefined) return 'default';
  if (from === 'program') return 'program';
  // A value in the file that a variable names is still the operator's environment.
  return from === 'AUDIT_CONFIG_FILE' ? 'file' : 'environment';
}

// By what a name says as well, so that a secret that is added later is not shown before somebody thinks of it here.
const SECRET_NAME = /(?:KEY|KEYS|SECRET|PASSWORD|TOKEN|CREDENTIAL|CONNECTION_STRING)$/;

// End like a secret: one of two words, and a directory of which it is worth knowing which.
const NO_SECRETS: readonly string[] = ['POSTGRES_CREDENTIAL', 'SUBJECT_KEYS'];

function shown(name: string, value: unknown): string {
  if (value === undefined || (SECRETS.includes(name) && Array.isArray(value) && value.length === 0)) return '(not set)';
  if (name === 'policy') return `${(value as readonly unknown[]).length} rules`;
  // Settings of modules are theirs: any of them may be a secret.
  if (name === 'exporters') return Object.keys(value as object).join(', ') || '(none)';
  if (typeof value === 'string' && URL.canParse(value)) return withoutCredentials(new URL(value));
  if (SECRETS.includes(name) || (SECRET_NAME.test(name) && !NO_SECRETS.includes(name))) return '(set, not shown)';
  if (name === 'EXPORTER') return exporterNames(value as readonly string[]);
  if (Array.isArray(value)) return value.map((item) => shown('', item)).join(', ') || '(none)';
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

/** What does not look like a name may be a pasted connection string. */
function exporterNames(names: readonly string[]): string {
  return names.map((name) => (/^[@\w./-]{1,80}$/.test(name) ? name : '(no exporter name)')).join(', ') || '(by what is set)';
}

/** Neither user nor query: both may hold a password. */
function withoutCredentials({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}
