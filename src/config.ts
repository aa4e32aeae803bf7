/** The configuration: environment and file become one frozen `AuditConfig`, or one error that lists every fault. */

import path from 'node:path';
import { choiceFaults, deliveryFaults, exportersOf } from './config-exporters.js';
import {
  assembleClient,
  assembleIdentity,
  type ClientConfig,
  type IdentityConfig,
  identityFaults,
  identityWarnings,
} from './config-identity.js';
import { parseSettings, type Settings } from './config-settings.js';
import { readSources, type SettingSources } from './config-sources.js';
import { AuditConfigError } from './errors.js';
import type { Compression } from './journal/compression.js';
import { nearestPackage } from './package-manifest.js';
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
  /** As `RedactionOptions`, without what is no plain data, and with `keys.hash` for its key. */
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
    /** For every keyed hash: of values, bodies, sessions and API keys. */
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

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG with every fault, each with its variable's name and never its value. */
export function loadConfig(sources: ConfigSources): AuditConfig {
  const { raw, faults: sourceFaults, warnings } = readSources(sources);
  const { settings, faults, faulty } = parseSettings(raw);
  const exporters = exportersOf(settings, faulty);
  const config = assemble(settings, exporters, sources, [...warnings, ...identityWarnings(settings)]);
  const allFaults = [
    ...sourceFaults,
    ...faults,
    ...choiceFaults(exporters, settings, faulty, sources),
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
    redaction: { ...redaction, fields: [...settings.REDACT_FIELDS, ...redaction.fields] },
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

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
