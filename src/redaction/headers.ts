/** Redacts headers and cookies by their names. */

import type { Engine } from './engine.js';
import { ACTION_SHIFT, SENSITIVE } from './keys.js';
import { MASK } from './redactor.js';

export function redactHeader(name: string, value: string, engine: Engine): string {
  const lower = name.toLowerCase().trim();
  if (lower === 'cookie' || lower === 'cookie2') return redactCookies(value, engine);
  if (lower === 'set-cookie')
    return value
      .split('\n')
      .map((line) => redactSetCookie(line, engine))
      .join('\n');
  if (CREDENTIALS.test(lower) || (lower === 'sec-websocket-protocol' && /bearer|token|auth|jwt/i.test(value))) return MASK;
  const verdict = engine.keys.queryVerdict(name);
  if ((verdict & SENSITIVE) !== 0 && !PUBLIC.has(lower)) return engine.replace(verdict >> ACTION_SHIFT, value, true) ?? MASK;
  return engine.string(value, 0, false);
}

const CREDENTIALS = /(?:^|-)(?:authorization|authentication|authenticate-info)$/;
/** Named like secrets, and none. */
const PUBLIC: ReadonlySet<string> = new Set([
  'sec-websocket-key',
  'sec-token-binding',
  'www-authenticate',
  'proxy-authenticate',
  'x-csp-nonce',
]);

/** Sessions hide under any name, so all cookies' values go but those of preferences. */
function redactCookies(value: string, engine: Engine): string {
  return value
    .split(';')
    .map((pair) => redactPair(pair, engine))
    .join(';');
}

function redactSetCookie(line: string, engine: Engine): string {
  const semicolon = line.indexOf(';');
  if (semicolon === -1) return redactPair(line, engine);
  return redactPair(line.slice(0, semicolon), engine) + engine.string(line.slice(semicolon), 0, false);
}

function redactPair(pair: string, engine: Engine): string {
  const equals = pair.indexOf('=');
  if (equals === -1) return pair.trim() === '' ? pair : MASK;
  const name = pair.slice(0, equals);
  const value = pair.slice(equals + 1);
  if (value === '') return pair;
  if (PREFERENCES.has(name.trim().toLowerCase())) return `${name}=${engine.string(value, 0, false)}`;
  return `${name}=${MASK}`;
}

const PREFERENCES: ReadonlySet<string> = new Set(
  'theme lang language locale i18n currency timezone tz country region consent cookie_consent cookieconsent cookie_policy dark_mode darkmode font_size layout view sidebar'.split(
    ' ',
  ),
);
