/** The configuration: environment and file become one frozen `AuditConfig`, or one error that lists every fault. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  assembleClient,
  assembleIdentity,
  type ClientConfig,
  type IdentityConfig,
  identityFaults,
  identityWarnings,
} from './config-identity.js';
import { parseSettings, type RawSettings, type Settings } from './config-settings.js';
import { readSources, type SettingSources } from './config-sources.js';
import { AuditConfigError } from './errors.js';
import type { Compression } from './journal/compression.js';
import { moduleUrl } from './module-url.js';
import type { DeliveryMode, PolicyRule } from './policy-rule.js';

export type AuditMode = 'auto' | 'standalone' | 'attach' | 'library';
export type SpanBodies = 'auto' | 'on' | 'off';

/** Plain data only: it is structured-cloned into the delivery worker. */
export interface AuditConfig {
  readonly enabled: boolean;
  readonly mode: AuditMode;
  readonly service: { readonly name: string; readonly version?: string | undefined };
  /** Built-in names (`postgres` `azure` `azure-logs` `otlp` `file` `console`) or module paths, in order, without duplicates. */
  readonly exporters: readonly string[];
  readonly postgres: {
    readonly url?: string | undefined;
    /** Certificates in PEM. */
    readonly ca?: string | undefined;
    readonly credential?: 'password' | 'entra' | undefined;
  };
  readonly azure: {
    readonly connectionString?: string | undefined;
    /** `default`, `managed-identity` or `managed-identity:<id>`; for `azure` and `azure-logs`. */
    readonly credential?: string | undefined;
    readonly signals?: readonly ('events' | 'requests')[];
    readonly tags?: readonly ('user' | 'client-address')[];
  };
  readonly azureLogs: { readonly endpoint?: string | undefined; readonly ruleId?: string | undefined; readonly stream: string };
  /** `secretHeaders`: as `OTEL_EXPORTER_OTLP_HEADERS` are written. */
  readonly otlp: { readonly endpoint?: string | undefined; readonly secretHeaders?: string | undefined };
  readonly file: {
    readonly directory: string;
    /** Of closed segments. */
    readonly compression: Compression;
    /** 0: for ever. */
    readonly retainDays: number;
  };
  /** By exporter name: what the configuration file says under `exporters`. For modules only. */
  readonly exporterSettings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly journal: {
    /** Absolute path. Undefined: a folder of this user and these destinations below the temporary one. */
    readonly directory?: string | undefined;
    /** Bytes a stream may hold before the oldest delivered segments must go or records are dropped. */
    readonly maxBytes: number;
    readonly write: 'tick' | 'async';
    /** Written lines are synced to the disk after so long, or after so many bytes. */
    readonly syncIntervalMs: number;
    readonly syncBytes: number;
  };
  readonly delivery: {
    /** `off`: on the service's own thread. `external`: by `otel-audit deliver`; the exporters are its business then. */
    readonly worker: 'thread' | 'off' | 'external';
    readonly shutdownTimeoutMs: number;
    /** How long a response may wait for its record to be durable, and a handler for its start record. */
    readonly confirmTimeoutMs: number;
  };
  readonly capture: {
    readonly requestBody: boolean;
    readonly responseBody: boolean;
    readonly maxBodyBytes: number;
    readonly spanBodies: SpanBodies;
    /** Lower case. */
    readonly requestIdHeader: string;
    readonly echoRequestId: boolean;
  };
  /** As `RedactionOptions`, without what is no plain data. */
  readonly redaction: {
    readonly fields: readonly string[];
    readonly remove?: readonly string[];
    readonly allow?: readonly string[];
    readonly rules?: readonly {
      readonly fields: readonly string[];
      readonly action?: 'mask' | 'drop' | 'last4' | 'hash' | 'truncate' | undefined;
      readonly keep?: number | undefined;
    }[];
    readonly patterns?: readonly string[];
    readonly pathSegments?: readonly string[];
    readonly email?: boolean;
    /** A secret. */
    readonly hashKey?: string | undefined;
  };
  /** The module with redaction's own functions, as the file names it. */
  readonly redactionModule?: string | undefined;
  readonly identity: IdentityConfig;
  readonly client: ClientConfig;
  readonly context: {
    /** Lower case: kept besides the usual headers. */
    readonly correlationHeaders: readonly string[];
    /** Cookies that name a session; recorded as a keyed hash, and not at all without `keys.hash`. */
    readonly sessionCookies: readonly string[];
  };
  readonly keys: {
    readonly hash?: string | undefined;
    /** The first encrypts the journal, all decrypt it. */
    readonly journal: readonly string[];
    readonly signing?: string | undefined;
    /** The directory that holds a key for each person; without it nothing is encrypted by person. */
    readonly subjects?: string | undefined;
  };
  readonly metrics: { readonly prometheus?: string | undefined };
  /** Of what use they are depends on `keys.signing`: without it there are none. */
  readonly checkpoints: {
    readonly intervalMs: number;
    /** Absolute path. Undefined: `checkpoints.ndjson` in the journal's directory. */
    readonly file?: string | undefined;
    readonly url?: string | undefined;
  };
  readonly changes: {
    /** False: connections carry no context, nothing is relayed, and ORM adapters record nothing. */
    readonly isEnabled: boolean;
    /** A secret: the service's own database, whose tracked changes are relayed. */
    readonly url?: string | undefined;
    readonly context: 'auto' | 'session' | 'transaction';
  };
  readonly lifecycle: {
    /** 0: no heartbeats. */
    readonly heartbeatMs: number;
    /** How often the configuration file is looked at for another policy; 0: never. */
    readonly policyReloadMs: number;
  };
  readonly policy: {
    readonly rules: readonly PolicyRule[];
    readonly excludePaths: readonly string[];
    /** Where the rule says nothing else. */
    readonly delivery: DeliveryMode;
  };
  /** Whether the command line records who reads the trail. */
  readonly recordReading: boolean;
  /** What is odd but no fault; said once at start. */
  readonly warnings: readonly string[];
}

export interface ConfigSources extends SettingSources {
  /** Where the service's package.json is looked for, upwards. Default: `directory`. */
  readonly entryDirectory?: string | undefined;
  /** More faults, of parts that know their own settings. */
  readonly faultsOf?: ((config: AuditConfig) => readonly string[]) | undefined;
}

export const BUILT_IN_EXPORTERS: readonly string[] = ['postgres', 'azure', 'azure-logs', 'otlp', 'file', 'console'];

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG with every fault, each with its variable's name and never its value. */
export function loadConfig(sources: ConfigSources): AuditConfig {
  const { raw, faults: sourceFaults, warnings } = readSources(sources);
  const { settings, faults, faulty } = parseSettings(raw);
  const exporters = exportersOf(settings, faulty);
  const config = assemble(settings, exporters, sources, [...warnings, ...identityWarnings(settings)]);
  const allFaults = [
    ...sourceFaults,
    ...faults,
    ...exporterFaults(exporters, settings, faulty, sources),
    ...deliveryFaults(exporters, settings, raw),
    ...identityFaults(settings, sources.directory),
    ...(sources.faultsOf?.(config) ?? []),
  ];
  if (allFaults.length > 0) throw new AuditConfigError([...new Set(allFaults)]);
  return deepFreeze(config);
}

function assemble(
  settings: Settings,
  exporters: readonly string[],
  { env, directory, entryDirectory = directory }: ConfigSources,
  warnings: readonly string[],
): AuditConfig {
  const manifest = nearestPackage(entryDirectory);
  const { functions: redactionModule, ...redaction } = settings.redaction;
  const fileDirectory = path.resolve(directory, settings.FILE_DIR);
  const journalDirectory = settings.JOURNAL_DIR === undefined ? undefined : path.resolve(directory, settings.JOURNAL_DIR);
  return {
    enabled: settings.ENABLED,
    mode: settings.MODE,
    service: { name: settings.SERVICE_NAME ?? env['OTEL_SERVICE_NAME'] ?? manifest.name ?? 'unknown_service', version: manifest.version },
    exporters,
    postgres: {
      url: settings.POSTGRES_URL ?? settings.CONTROL_DB_URL,
      ca: settings.POSTGRES_CA,
      credential: settings.POSTGRES_CREDENTIAL,
    },
    azure: {
      connectionString: settings.AZURE_CONNECTION_STRING ?? env['APPLICATIONINSIGHTS_CONNECTION_STRING'],
      credential: settings.AZURE_CREDENTIAL,
      signals: settings.AZURE_SIGNALS,
      tags: settings.AZURE_TAGS,
    },
    azureLogs: { endpoint: settings.AZURE_LOGS_ENDPOINT, ruleId: settings.AZURE_LOGS_RULE_ID, stream: settings.AZURE_LOGS_STREAM },
    otlp: { endpoint: settings.OTLP_ENDPOINT, secretHeaders: settings.OTLP_HEADERS },
    file: { directory: fileDirectory, compression: settings.FILE_COMPRESS, retainDays: settings.FILE_RETAIN_DAYS },
    exporterSettings: settings.exporters,
    journal: {
      directory: exporters.includes('file') ? fileDirectory : journalDirectory,
      maxBytes: settings.JOURNAL_MAX_BYTES,
      write: settings.JOURNAL_WRITE,
      syncIntervalMs: settings.JOURNAL_SYNC_MS,
      syncBytes: settings.JOURNAL_SYNC_BYTES,
    },
    delivery: {
      worker: settings.WORKER,
      shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS,
      confirmTimeoutMs: settings.CONFIRM_TIMEOUT_MS,
    },
    capture: {
      requestBody: settings.CAPTURE_REQUEST_BODY,
      responseBody: settings.CAPTURE_RESPONSE_BODY,
      maxBodyBytes: settings.MAX_BODY_BYTES,
      spanBodies: settings.SPAN_BODIES,
      requestIdHeader: settings.REQUEST_ID_HEADER === 'off' ? 'x-request-id' : settings.REQUEST_ID_HEADER,
      echoRequestId: settings.REQUEST_ID_HEADER !== 'off',
    },
    redaction: { ...redaction, fields: [...settings.REDACT_FIELDS, ...redaction.fields], hashKey: settings.HASH_KEY },
    redactionModule,
    identity: assembleIdentity(settings, env, directory),
    client: assembleClient(settings, directory),
    context: { correlationHeaders: settings.CORRELATION_HEADERS, sessionCookies: settings.SESSION_COOKIES },
    keys: {
      hash: settings.HASH_KEY,
      journal: settings.JOURNAL_KEY,
      signing: settings.SIGNING_KEY,
      subjects: settings.SUBJECT_KEYS === undefined ? undefined : path.resolve(directory, settings.SUBJECT_KEYS),
    },
    metrics: { prometheus: settings.PROMETHEUS },
    changes: { isEnabled: settings.CAPTURE_ORM_DIFFS, url: settings.CHANGES_URL, context: settings.PG_CONTEXT },
    lifecycle: { heartbeatMs: settings.HEARTBEAT_MS, policyReloadMs: settings.POLICY_RELOAD_MS },
    policy: { rules: settings.policy, excludePaths: settings.EXCLUDE_PATHS, delivery: settings.DELIVERY },
    checkpoints: {
      intervalMs: settings.CHECKPOINT_MS,
      file: settings.CHECKPOINT_FILE === undefined ? undefined : path.resolve(directory, settings.CHECKPOINT_FILE),
      url: settings.CHECKPOINT_URL,
    },
    recordReading: settings.RECORD_READING,
    warnings,
  };
}

/** Application Insights' own variable is not a choice: bodies must not slip into a team's general telemetry by accident. */
function exportersOf(settings: Settings, faulty: ReadonlySet<string>): readonly string[] {
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

function exporterFaults(
  exporters: readonly string[],
  settings: Settings,
  faulty: ReadonlySet<string>,
  { env, directory }: ConfigSources,
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
function deliveryFaults(exporters: readonly string[], { DELIVERY, JOURNAL_DIR, policy }: Settings, raw: RawSettings): readonly string[] {
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

/** The name and version in the package.json nearest to `directory`, upwards. */
export function nearestPackage(directory: string): PackageManifest {
  for (let current = directory; ; current = path.dirname(current)) {
    const manifest = readPackage(path.join(current, 'package.json'));
    if (manifest !== undefined) return manifest;
    if (current === path.dirname(current)) return {};
  }
}

export interface PackageManifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readPackage(file: string): PackageManifest | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PackageManifest;
  } catch {
    return undefined;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
