/** Every setting with its type, default and bounds. Messages never repeat a value: it may be a secret. */

import * as v from 'valibot';
import { policyRules } from './config-policy.js';

/** By name without the `AUDIT_` prefix: text from the environment, or the file's value; and the file's `policy` and `exporters`. */
export type RawSettings = Readonly<Record<string, unknown>>;

const MEBIBYTE = 1_048_576;

const flag = v.pipe(
  v.union([v.boolean(), v.string()], 'must be true or false'),
  v.transform((value) => (typeof value === 'boolean' ? value : FLAGS[value.trim().toLowerCase()])),
  v.boolean('must be true or false'),
);
const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

const text = v.pipe(v.string('must be text'), v.trim(), v.nonEmpty('must not be empty'));
const list = v.pipe(
  v.union([v.string(), v.array(v.string())], 'must be a comma-separated list'),
  v.transform((value) => (typeof value === 'string' ? value.split(',') : value).map((item) => item.trim()).filter((item) => item !== '')),
);

function integer(minimum: number, maximum: number) {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.trim(), v.regex(/^\d+$/), v.transform(Number))], message),
    v.integer(message),
    v.minValue(minimum, message),
    v.maxValue(maximum, message),
  );
}

function oneOf<const Values extends readonly string[]>(...values: Values) {
  return v.pipe(v.string(), v.trim(), v.toLowerCase(), v.picklist(values, `must be one of ${values.join(', ')}`));
}

function asOnly<const Value extends string>(available: Value, planned: readonly string[]) {
  return v.pipe(
    oneOf(available, ...planned),
    v.check((value) => value === available, `only ${available} is available in this version`),
  );
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const headerName = v.pipe(text, v.toLowerCase(), v.regex(HEADER_NAME, 'must be a header name'));

const headerNames = v.pipe(
  list,
  v.transform((names) => names.map((name) => name.toLowerCase())),
  v.check((names) => names.every((name) => HEADER_NAME.test(name)), 'must be a list of header names'),
);

const postgresUrl = v.pipe(
  text,
  v.check(
    (value) => /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value),
    'must be a URL of the form postgres://user:password@host:5432/database',
  ),
);

const aliases = v.pipe(
  v.union([v.string(), v.record(v.string(), v.string())], 'must be a list of claimed=recorded'),
  v.transform((value) => (typeof value === 'string' ? pairsOf(value) : Object.entries(value))),
  v.check((pairs) => pairs.every((pair) => pair.length === 2 && pair.every((part) => part !== '')), 'must be a list of claimed=recorded'),
  v.transform((pairs) => Object.fromEntries(pairs.map(([claimed = '', recorded = '']) => [claimed.toLowerCase(), recorded]))),
);

function pairsOf(value: string): string[][] {
  const items = value.split(',').filter((item) => item.trim() !== '');
  return items.map((item) => item.split('=').map((part) => part.trim()));
}

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
  EXCLUDE_PATHS: v.optional(
    v.pipe(
      list,
      v.check((paths) => paths.every((item) => item.startsWith('/')), 'must be paths that start with /'),
    ),
    [],
  ),
  LOG_ANONYMOUS: v.optional(flag, true),
  ACTOR_TYPE_ALIASES: v.optional(aliases, {}),
  TENANT_HEADER: v.optional(headerName),
  CORRELATION_HEADERS: v.optional(headerNames, ['x-correlation-id', 'x-amzn-trace-id', 'x-cloud-trace-context', 'request-id']),
  SESSION_COOKIES: v.optional(list, ['connect.sid', 'sid', 'sessionid', 'session', 'JSESSIONID', 'PHPSESSID', 'ASP.NET_SessionId']),
  // 32 characters: what an attacker cannot try out when all that is known is hashes.
  HASH_KEY: v.optional(v.pipe(text, v.minLength(32, 'must have at least 32 characters'))),
  HEARTBEAT_MS: v.optional(integer(0, 86_400_000), 60_000),
  POLICY_RELOAD_MS: v.optional(integer(0, 86_400_000), 2_000),
  policy: v.optional(policyRules, []),
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
