/** Every setting with its type, default and bounds. Messages never repeat a value: it may be a secret. */

import * as v from 'valibot';
import { IDENTITY_ENTRIES } from './config-identity.js';
import { policyRules } from './config-policy.js';
import { flag, headerName, headerNames, integer, list, oneOf, text } from './config-values.js';

/** By name without the `AUDIT_` prefix: text from the environment, or the file's value; and the file's `policy`, `redaction` and `exporters`. */
export type RawSettings = Readonly<Record<string, unknown>>;

const MEBIBYTE = 1_048_576;

function asOnly<const Value extends string>(available: Value, planned: readonly string[]) {
  return v.pipe(
    oneOf(available, ...planned),
    v.check((value) => value === available, `only ${available} is available in this version`),
  );
}

const postgresUrl = v.pipe(
  text,
  v.check(
    (value) => /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value),
    'must be a URL of the form postgres://user:password@host:5432/database',
  ),
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
  AZURE_CONNECTION_STRING: v.optional(text),
  FILE_DIR: v.optional(text, 'audit-log'),
  DELIVERY: v.optional(asOnly('async', ['confirmed', 'strict']), 'async'),
  WORKER: v.optional(flag, true),
  JOURNAL_DIR: v.optional(text),
  JOURNAL_MAX_BYTES: v.optional(integer(MEBIBYTE, Number.MAX_SAFE_INTEGER), 512 * MEBIBYTE),
  JOURNAL_WRITE: v.optional(oneOf('tick', 'async'), 'tick'),
  SHUTDOWN_TIMEOUT_MS: v.optional(integer(0, 600_000), 5_000),
  CAPTURE_REQUEST_BODY: v.optional(flag, true),
  CAPTURE_RESPONSE_BODY: v.optional(flag, true),
  // 1 MiB: bodies are held in memory while the request is open.
  MAX_BODY_BYTES: v.optional(integer(0, MEBIBYTE), 10_000),
  SPAN_BODIES: v.optional(oneOf('auto', 'on', 'off'), 'auto'),
  REQUEST_ID_HEADER: v.optional(headerName, 'x-request-id'),
  REDACT_FIELDS: v.optional(list, []),
  HASH_KEY: v.optional(v.pipe(text, v.minLength(16, 'must be at least 16 characters'))),
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
