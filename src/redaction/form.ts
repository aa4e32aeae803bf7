/** Redacts query strings and form bodies: names and values judged decoded, what is harmless copied as it was written. */

import type { Engine } from './engine.js';
import { ACTION_SHIFT, NAME_SHIFT, SENSITIVE, VALUE_SHIFT } from './keys.js';
import { MASK } from './redactor.js';
import { splitWords } from './words.js';

export function redactForm(text: string, engine: Engine, depth: number, cut: boolean): string {
  const parts = text.split('&');
  const fields = parts.map((part, index) => parseField(part, engine, cut && index === parts.length - 1));
  const context: FormContext = {
    oauth: fields.some((field) => OAUTH_PARAMETERS.has(field.name)),
    named: namedGroups(fields, engine),
    unnamed: cut ? namelessGroups(fields) : NONE,
  };
  const written = fields.map((field) => redactField(field, context, engine, depth)).filter((field) => field !== undefined);
  return written.join('&');
}

interface Field {
  readonly written: string;
  readonly rawName: string;
  readonly name: string;
  /** Undefined: no equals sign. */
  readonly rawValue: string | undefined;
  readonly value: string;
  readonly verdict: number;
  readonly cut: boolean;
}

interface FormContext {
  /** An authorization code stands beside these; elsewhere `code` is a country's or an error's. */
  readonly oauth: boolean;
  /** Groups whose name-like field names a secret: `fields[0]` of `fields[0][name]=password`. */
  readonly named: ReadonlySet<string>;
  /** Groups whose name-like field a cut may have taken. */
  readonly unnamed: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

const OAUTH_PARAMETERS: ReadonlySet<string> = new Set([
  'grant_type',
  'state',
  'redirect_uri',
  'client_id',
  'response_type',
  'session_state',
  'scope',
]);
const OAUTH_SECRETS: ReadonlySet<string> = new Set([
  'code',
  'assertion',
  'subject_token',
  'actor_token',
  'request',
  'id_token_hint',
  'login_ticket',
  'ticket',
]);
/** Parameters that hold a key at some services and a word at others: masked when the value looks like a key. */
const OPAQUE_PARAMETERS: ReadonlySet<string> = new Set([
  'key',
  'sign',
  'hash',
  'h',
  's',
  't',
  'st',
  'ticket',
  'nonce',
  'reset',
  'invite',
  'confirm',
  'verify',
]);

function parseField(written: string, engine: Engine, cut: boolean): Field {
  const equals = written.indexOf('=');
  const rawName = equals === -1 ? written : written.slice(0, equals);
  const rawValue = equals === -1 ? undefined : written.slice(equals + 1);
  const name = decodeAll(rawName, false);
  const value = rawValue === undefined ? '' : decodeComponent(rawValue, cut);
  return { written, rawName, name, rawValue, value, verdict: engine.keys.queryVerdict(name), cut };
}

function redactField(field: Field, context: FormContext, engine: Engine, depth: number): string | undefined {
  const { written, rawName, rawValue, value, verdict } = field;
  const name = redactName(field, engine, depth);
  if (rawValue === undefined) return name;
  const action = hiddenBy(field, context);
  if (action !== undefined) {
    if (value === '' && !field.cut) return name === rawName ? written : `${name}=`;
    const replacement = engine.replace(action, value, true);
    return replacement === undefined ? undefined : `${name}=${replacement === value ? rawValue : escapeComponent(replacement)}`;
  }
  const valued = (verdict >> VALUE_SHIFT) & 3;
  const paired = valued > 0 && (context.named.has(groupOf(field.name)) || (valued === 2 && context.unnamed.has(groupOf(field.name))));
  const redacted = paired ? MASK : engine.string(value, depth, field.cut);
  if (redacted === value) return name === rawName ? written : `${name}=${rawValue}`;
  return `${name}=${escapeComponent(redacted)}`;
}

function redactName(field: Field, engine: Engine, depth: number): string {
  if (field.name.length < 12) return field.rawName;
  const redacted = engine.string(field.name, depth, field.cut && field.rawValue === undefined);
  return redacted === field.name ? field.rawName : escapeComponent(redacted);
}

function hiddenBy({ name, value, verdict }: Field, context: FormContext): number | undefined {
  if ((verdict & SENSITIVE) !== 0) return verdict >> ACTION_SHIFT;
  if (context.oauth && OAUTH_SECRETS.has(name)) return 0;
  if (OPAQUE_PARAMETERS.has(name) && /^[\w.~+/=-]{16,}$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value)) return 0;
  return undefined;
}

function namedGroups(fields: readonly Field[], engine: Engine): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { name, value, verdict } of fields) {
    if ((verdict >> NAME_SHIFT) & 3 && value !== '' && value.length < 128 && (engine.keys.verdict(value) & SENSITIVE) !== 0)
      named.add(groupOf(name));
  }
  return named;
}

function namelessGroups(fields: readonly Field[]): ReadonlySet<string> {
  const groups = new Set(fields.map((field) => groupOf(field.name)));
  for (const { name, verdict, cut } of fields) if (((verdict >> NAME_SHIFT) & 3) === 2 && !cut) groups.delete(groupOf(name));
  return groups;
}

/** What a name shares with its sibling: all but its last word. */
function groupOf(name: string): string {
  const { squashed, bounds } = splitWords(name);
  return squashed.slice(0, bounds[bounds.length - 2] ?? 0);
}

/** Decoded as often as it was encoded: `p%2561ssword` reaches a service behind a decoding proxy as `password`. */
function decodeAll(text: string, cut: boolean): string {
  let decoded = decodeComponent(text, cut);
  for (let round = 0; round < 3 && decoded.includes('%'); round++) {
    const again = decodeComponent(decoded, cut);
    if (again === decoded) break;
    decoded = again;
  }
  return decoded;
}

export function decodeComponent(text: string, cut: boolean): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  const spaced = (cut ? text.replace(/(?:%[0-9a-fA-F]?)$/, '') : text).replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not UTF-8, or a stray percent sign: byte by byte, as lenient parsers do.
    return spaced.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

/** Only what would break the fields apart is encoded, so that the mask stays readable. */
function escapeComponent(text: string): string {
  return text.replace(/[%&+#=\s\p{Cc}]/gu, encodeURIComponent);
}
