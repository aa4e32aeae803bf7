/** Every setting with its type, default and bounds. Messages never repeat a value: it may be a secret. */

import * as v from 'valibot';
import { IDENTITY_ENTRIES } from './config-identity.js';
import { policyRules } from './config-policy.js';
import { flag, headerName, headerNames, integer, list, listOf, oneOf, text } from './config-values.js';
import { parseSigningKey } from './integrity/signing-key.js';
import { canCompress } from './journal/compression.js';
import { parseJournalKey } from './journal/keyring.js';
import { prometheusTarget } from './prometheus-target.js';

/** By name without the `AUDIT_` prefix: text from the environment, or the file's value; and the file's `policy`, `redaction` and `exporters`. */
export type RawSettings = Readonly<Record<string, unknown>>;

const MEBIBYTE = 1_048_576;

const postgresUrl = v.pipe(
  text,
  v.check(
    // Of several hosts the first stands for all.
    (value) =>
      URL.canParse(value.replace(/^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?[^,/?#]*),[^/?#]*/, '$1')) && /^postgres(?:ql)?:/.test(value),
    'must be a URL of the form postgres://user:password@host:5432/database',
  ),
);

const journalKeys = v.pipe(
  list,
  v.check(
    (keys) => keys.every((key) => parseJournalKey(key) !== undefined),
    'must be 32 random bytes in hex or base64, as from: openssl rand -hex 32; older keys may follow after commas',
  ),
);

/** `true` and `false` are older than `external`. */
const WORKER_MODES = { true: 'thread', thread: 'thread', on: 'thread', '1': 'thread', false: 'off', off: 'off', '0': 'off' } as const;
const workerMode = v.pipe(
  v.union([v.boolean(), v.string()], 'must be true, false or external'),
  v.transform((value) => {
    const word = String(value).trim().toLowerCase();
    return Object.hasOwn(WORKER_MODES, word) ? WORKER_MODES[word as keyof typeof WORKER_MODES] : word;
  }),
  v.picklist(['thread', 'off', 'external'], 'must be true, false or external'),
);

const signingKey = v.pipe(
  text,
  v.check(
    (value) => parseSigningKey(value) !== undefined,
    'must be an Ed25519 private key, in PEM or its 32-byte seed in base64; `otel-audit keys new` makes one',
  ),
);

const webAddress = v.pipe(
  text,
  v.check((value) => /^https?:\/\//.test(value) && URL.canParse(value), 'must be an http or https address'),
);

const redaction = v.strictObject({
  fields: v.optional(list, []),
  remove: v.optional(list, []),
  allow: v.optional(list, []),
  rules: v.optional(
    v.array(
      v.strictObject({
        fields: list,
        action: v.optional(oneOf('mask', 'drop', 'last4', 'hash', 'truncate')),
        keep: v.optional(integer(1, 64)),
      }),
    ),
    [],
  ),
  // Not the comma-separated list: a pattern may hold commas.
  patterns: v.optional(v.array(text), []),
  pathSegments: v.optional(list, []),
  email: v.optional(flag, false),
  functions: v.optional(text),
});

const SCHEMA = v.object({
  ENABLED: v.optional(flag, true),
  MODE: v.optional(oneOf('auto', 'standalone', 'attach', 'library'), 'auto'),
  EXPORTER: v.optional(list, []),
  SERVICE_NAME: v.optional(text),
  POSTGRES_URL: v.optional(postgresUrl),
  CONTROL_DB_URL: v.optional(postgresUrl),
  POSTGRES_CA: v.optional(v.pipe(text, v.includes('-----BEGIN CERTIFICATE-----', 'must be certificates in PEM'))),
  POSTGRES_CREDENTIAL: v.optional(oneOf('password', 'entra'), 'password'),
  AZURE_CONNECTION_STRING: v.optional(text),
  AZURE_CREDENTIAL: v.optional(
    v.pipe(
      text,
      v.regex(/^(?:default|managed-identity(?::.+)?)$/, 'must be default, managed-identity or managed-identity:<client id or resource id>'),
    ),
  ),
  AZURE_SIGNALS: v.optional(
    v.pipe(
      listOf('events', 'requests'),
      v.check((signals) => signals.includes('events'), 'must contain events: they are the records'),
    ),
    ['events'],
  ),
  AZURE_TAGS: v.optional(listOf('user', 'client-address'), []),
  AZURE_LOGS_ENDPOINT: v.optional(text),
  AZURE_LOGS_RULE_ID: v.optional(text),
  AZURE_LOGS_STREAM: v.optional(text, 'Custom-Audit_CL'),
  OTLP_ENDPOINT: v.optional(text),
  OTLP_HEADERS: v.optional(text),
  FILE_DIR: v.optional(text, 'audit-log'),
  FILE_COMPRESS: v.optional(
    v.pipe(oneOf('none', 'gzip', 'zstd'), v.check(canCompress, 'zstd needs Node 22.15 or newer; use gzip')),
    'none',
  ),
  FILE_RETAIN_DAYS: v.optional(integer(0, 36_500), 0),
  DELIVERY: v.optional(oneOf('async', 'confirmed', 'strict'), 'async'),
  CONFIRM_TIMEOUT_MS: v.optional(integer(1, 60_000), 1_000),
  WORKER: v.optional(workerMode, 'thread'),
  JOURNAL_DIR: v.optional(text),
  JOURNAL_MAX_BYTES: v.optional(integer(MEBIBYTE, Number.MAX_SAFE_INTEGER), 512 * MEBIBYTE),
  JOURNAL_WRITE: v.optional(oneOf('tick', 'async'), 'tick'),
  // 500 ms, as Vector's disk buffer: what a power cut may take.
  JOURNAL_KEY: v.optional(journalKeys, []),
  JOURNAL_SYNC_MS: v.optional(integer(1, 60_000), 500),
  JOURNAL_SYNC_BYTES: v.optional(integer(1, Number.MAX_SAFE_INTEGER), MEBIBYTE),
  SHUTDOWN_TIMEOUT_MS: v.optional(integer(0, 600_000), 5_000),
  CAPTURE_REQUEST_BODY: v.optional(flag, true),
  CAPTURE_RESPONSE_BODY: v.optional(flag, true),
  // 1 MiB: bodies are held in memory while the request is open.
  MAX_BODY_BYTES: v.optional(integer(0, MEBIBYTE), 10_000),
  SPAN_BODIES: v.optional(oneOf('auto', 'on', 'off'), 'auto'),
  REQUEST_ID_HEADER: v.optional(headerName, 'x-request-id'),
  REDACT_FIELDS: v.optional(list, []),
  HASH_KEY: v.optional(v.pipe(text, v.minLength(16, 'must be at least 16 characters'))),
  SUBJECT_KEYS: v.optional(text),
  SIGNING_KEY: v.optional(signingKey),
  // At most a day: what is recorded after the last checkpoint is not signed.
  CHECKPOINT_MS: v.optional(integer(1000, 86_400_000), 60_000),
  CHECKPOINT_FILE: v.optional(text),
  CHECKPOINT_URL: v.optional(webAddress),
  EXCLUDE_PATHS: v.optional(
    v.pipe(
      list,
      v.check((paths) => paths.every((item) => item.startsWith('/')), 'must be paths that start with /'),
    ),
    [],
  ),
  ...IDENTITY_ENTRIES,
  CORRELATION_HEADERS: v.optional(headerNames, ['x-correlation-id', 'x-amzn-trace-id', 'x-cloud-trace-context', 'request-id']),
  SESSION_COOKIES: v.optional(list, ['connect.sid', 'sid', 'sessionid', 'session', 'JSESSIONID', 'PHPSESSID', 'ASP.NET_SessionId']),
  PROMETHEUS: v.optional(
    v.pipe(
      text,
      v.check((target) => prometheusTarget(target) !== undefined, 'must be a port, host:port, or the path of a file that ends in .prom'),
    ),
  ),
  RECORD_READING: v.optional(flag, false),
  HEARTBEAT_MS: v.optional(integer(0, 86_400_000), 60_000),
  CAPTURE_ORM_DIFFS: v.optional(flag, true),
  CHANGES_URL: v.optional(postgresUrl),
  PG_CONTEXT: v.optional(oneOf('auto', 'session', 'transaction'), 'auto'),
  POLICY_RELOAD_MS: v.optional(integer(0, 86_400_000), 2_000),
  policy: v.optional(policyRules, []),
  redaction: v.optional(redaction, {}),
  exporters: v.optional(v.record(v.string(), v.record(v.string(), v.unknown())), {}),
});

export type Settings = v.InferOutput<typeof SCHEMA>;

/** Names of the settings that may come from the environment. */
export const SETTING_NAMES: readonly string[] = Object.keys(SCHEMA.entries).filter((name) => name === name.toUpperCase());

export interface ParsedSettings {
  /** Defaults stand in for what is faulty, so that the rest can be checked as well. */
  readonly settings: Settings;
  readonly faults: readonly string[];
  readonly faulty: ReadonlySet<string>;
}

export function parseSettings(raw: RawSettings): ParsedSettings {
  const result = v.safeParse(SCHEMA, raw);
  if (result.success) return { settings: result.output, faults: [], faulty: new Set() };
  const faulty = new Set(result.issues.map((issue) => String(issue.path?.[0].key)));
  const sound = Object.fromEntries(Object.entries(raw).filter(([name]) => !faulty.has(name)));
  return { settings: v.parse(SCHEMA, sound), faults: [...new Set(result.issues.map(faultOf))], faulty };
}

/** Valibot's own messages quote the value, so only ours, which are lower case, are repeated. */
function faultOf(issue: v.BaseIssue<unknown>): string {
  const [setting, ...place] = issue.path?.map((step) => String(step.key)) ?? [];
  const name =
    setting === setting?.toUpperCase() ? `AUDIT_${setting}` : `AUDIT_CONFIG_FILE ${setting}${place.map((step) => `.${step}`).join('')}`;
  return `${name}: ${/^[a-z]/.test(issue.message) ? issue.message : 'is not of the expected form'}`;
}
