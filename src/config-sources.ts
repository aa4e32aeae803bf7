/** Collects raw settings from the environment, `…_FILE` variables and the configuration file, in that order of precedence. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type RawSettings, SETTING_NAMES } from './config-settings.js';

export interface SettingSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start. */
  readonly directory: string;
  /** Said by the program itself, by setting name (`POSTGRES_URL`); wins over everything. */
  readonly overrides?: RawSettings | undefined;
}

export interface RawSources {
  readonly raw: RawSettings;
  /** By setting: the variable it was read from, `AUDIT_CONFIG_FILE`, or `program`. */
  readonly origins: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** May be given as the path of a file that holds the value, as orchestrators mount secrets. */
export const SECRETS: readonly string[] = [
  'POSTGRES_URL',
  'CONTROL_DB_URL',
  'POSTGRES_CA',
  'CHANGES_URL',
  'AZURE_CONNECTION_STRING',
  'OTLP_HEADERS',
  'JWT_PUBLIC_KEY',
  'JWT_SECRET',
  'HASH_KEY',
  'JOURNAL_KEY',
  'SIGNING_KEY',
];

export function readSources({ env, directory, overrides = {} }: SettingSources): RawSources {
  const faults: string[] = [];
  const warnings: string[] = [];
  const raw: Record<string, unknown> = { ...readConfigFile(env['AUDIT_CONFIG_FILE'], directory, faults, warnings) };
  const origins: Record<string, string> = Object.fromEntries(Object.keys(raw).map((name) => [name, 'AUDIT_CONFIG_FILE']));
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('AUDIT_') || value === undefined || value === '' || variable === 'AUDIT_CONFIG_FILE') continue;
    const name = variable.slice('AUDIT_'.length);
    const secret = SECRETS.find((known) => `${known}_FILE` === name);
    if (secret !== undefined) readSecret(raw, secret, path.resolve(directory, value), faults);
    else if (SETTING_NAMES.includes(name)) raw[name] = value;
    else warnings.push(`${variable} is not a setting of otel-audit and has no effect`);
    origins[secret ?? name] = variable;
  }
  for (const name of Object.keys(overrides)) origins[name] = 'program';
  return { raw: { ...raw, ...overrides }, origins, faults, warnings };
}

function readSecret(raw: Record<string, unknown>, name: string, file: string, faults: string[]): void {
  try {
    raw[name] = readFileSync(file, 'utf8').trim();
  } catch (error) {
    faults.push(`AUDIT_${name}_FILE: cannot be read (${codeOf(error)}); check the path and its permissions`);
  }
}

function readConfigFile(name: string | undefined, directory: string, faults: string[], warnings: string[]): RawSettings {
  if (name === undefined || name === '') return {};
  try {
    // 72 modules, 15 ms: not for those who have no such file.
    const { parse: parseYaml } = require('yaml') as typeof import('yaml');
    const content: unknown = parseYaml(readFileSync(path.resolve(directory, name), 'utf8'), { maxAliasCount: 100 });
    if (content === null) return {};
    if (typeof content !== 'object' || Array.isArray(content)) throw new SyntaxError('not a mapping');
    return fromFile(content as RawSettings, warnings);
  } catch (error) {
    const why =
      codeOf(error) === 'SyntaxError' || codeOf(error).startsWith('YAML')
        ? 'is not valid YAML or JSON'
        : `cannot be read (${codeOf(error)})`;
    faults.push(`AUDIT_CONFIG_FILE: ${why}`);
    return {};
  }
}

const FILE_SECTIONS: ReadonlySet<string> = new Set(['policy', 'redaction', 'exporters']);

/** `maxBodyBytes` in the file is `AUDIT_MAX_BODY_BYTES` in the environment; `policy`, `redaction` and `exporters` are the file's own. */
function fromFile(content: RawSettings, warnings: string[]): RawSettings {
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(content)) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    if (FILE_SECTIONS.has(key)) raw[key] = value;
    else if (SETTING_NAMES.includes(name)) raw[name] = value;
    else warnings.push(`${key} in AUDIT_CONFIG_FILE is not a setting of otel-audit and has no effect`);
  }
  return raw;
}

/** The system's error code, or the error's name: never its message, which may quote the content. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('code' in error && typeof error.code === 'string') return /^E[A-Z]+$/.test(error.code) ? error.code : 'YAML';
  return error instanceof Error ? error.name : 'unknown error';
}
