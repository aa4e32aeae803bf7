/** Keys under which a secret's name and its value stand apart: `{ "name": "password", "value": … }`. */

/** 2: the value under this key names something; 1: it may (`type` in Keycloak, `path` in JSON Patch), if beside a plain `value`; 0: no. */
export function nameStrength(squashed: string, lastWord: string): 0 | 1 | 2 {
  if (NAMES.has(squashed) || NAMES.has(lastWord)) return 2;
  return WEAK_NAMES.has(squashed) ? 1 : 0;
}

/** 2: a plain value; 1: a value if beside something that is plainly a name; 0: no. */
export function valueStrength(squashed: string, lastWord: string): 0 | 1 | 2 {
  if (VALUES.has(squashed) || VALUES.has(lastWord)) return 2;
  return WEAK_VALUES.has(squashed) ? 1 : 0;
}

const NAMES = list('name key field param parameter property prop attribute attr column header variable');
const WEAK_NAMES = list('k n id col var path label option setting type kind question title');
const VALUES = list('value values val v answer');
const WEAK_VALUES = list('vals content contents text data new old before after from to current previous default input string');

function list(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}
