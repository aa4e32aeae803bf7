/** The types of settings: each takes text from the environment or the file's own value. Messages never repeat a value. */

import * as v from 'valibot';

export const flag = v.pipe(
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

export const text = v.pipe(v.string('must be text'), v.trim(), v.nonEmpty('must not be empty'));
export const list = v.pipe(
  v.union([v.string(), v.array(v.string())], 'must be a comma-separated list'),
  v.transform((value) => (typeof value === 'string' ? value.split(',') : value).map((item) => item.trim()).filter((item) => item !== '')),
);

export function integer(minimum: number, maximum: number) {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.trim(), v.regex(/^\d+$/), v.transform(Number))], message),
    v.integer(message),
    v.minValue(minimum, message),
    v.maxValue(maximum, message),
  );
}

export function oneOf<const Values extends readonly string[]>(...values: Values) {
  return v.pipe(v.string(), v.trim(), v.toLowerCase(), v.picklist(values, `must be one of ${values.join(', ')}`));
}

/** A list of some of these. */
export function listOf<const Values extends readonly string[]>(...values: Values) {
  return v.pipe(list, v.array(v.picklist(values, `must be a list of ${values.join(', ')}`)));
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
export const headerName = v.pipe(text, v.toLowerCase(), v.regex(HEADER_NAME, 'must be a header name'));

export const headerNames = v.pipe(
  list,
  v.transform((names) => names.map((name) => name.toLowerCase())),
  v.check((names) => names.every((name) => HEADER_NAME.test(name)), 'must be a list of header names'),
);

export const pairs = v.pipe(
  v.union([v.string(), v.record(v.string(), v.string())], 'must be a list of name=value'),
  v.transform((value) => (typeof value === 'string' ? pairsOf(value) : Object.entries(value))),
  v.check((pairs) => pairs.every((pair) => pair.length === 2 && pair.every((part) => part !== '')), 'must be a list of name=value'),
  v.transform((pairs) => Object.fromEntries(pairs.map(([name = '', text = '']) => [name, text]))),
);

function pairsOf(value: string): string[][] {
  const items = value.split(',').filter((item) => item.trim() !== '');
  return items.map((item) => item.split('=').map((part) => part.trim()));
}
