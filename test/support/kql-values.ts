/** Values of KQL and what its functions make of them. Datetimes are `Date`, timespans milliseconds, null is null or undefined. */

type Scalar = (args: readonly unknown[]) => unknown;
/** One list of arguments a row. */
type Aggregate = (rows: readonly (readonly unknown[])[]) => unknown;

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m` */
export function timespanOf(token: string): number | undefined {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(token) ?? [];
  return unit === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0);
}

/** `datetime(2026-11-22)` */
export function datetimeOf(token: string): Date | undefined {
  const time = /^datetime\((.*)\)$/.exec(token)?.[1];
  return time === undefined ? undefined : new Date(time);
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function isTrue(value: unknown): boolean {
  return value === true;
}

/** Null is less than anything; the empty text is the null of texts. */
export function compare(one: unknown, other: unknown): number {
  const [a, b] = [comparable(one), comparable(other)];
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparable(value: unknown): number | string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' ? value : textOf(value);
}

export function equalFold(one: unknown, other: unknown): boolean {
  return textOf(one).toLowerCase() === textOf(other).toLowerCase();
}

export const SCALARS: Readonly<Record<string, Scalar>> = {
  tostring: ([value]) => textOf(value),
  toint: ([value]) => numberOf(value),
  tolong: ([value]) => numberOf(value),
  todouble: ([value]) => numberOf(value),
  tobool: ([value]) => (textOf(value) === '' ? null : textOf(value) === 'true'),
  todatetime: ([value]) => (Number.isNaN(Date.parse(textOf(value))) ? null : new Date(textOf(value))),
  parse_json: ([value]) => parse(textOf(value)),
  isempty: ([value]) => textOf(value) === '',
  isnotempty: ([value]) => textOf(value) !== '',
  not: ([value]) => !isTrue(value),
  iff: ([condition, yes, no]) => (isTrue(condition) ? yes : no),
  coalesce: (values) => values.find((value) => comparable(value) !== undefined) ?? '',
  strcat: (values) => values.map(textOf).join(''),
  strcat_array: ([values, separator]) => (values as readonly unknown[]).map(textOf).join(textOf(separator)),
  trim: ([pattern, value]) => textOf(value).replace(new RegExp(`^(?:${textOf(pattern)})+|(?:${textOf(pattern)})+$`, 'g'), ''),
  hourofday: ([value]) => (value instanceof Date ? value.getUTCHours() : null),
  pack_array: (values) => values,
  array_concat: (values) => (values.every(Array.isArray) ? values.flat() : null),
  bag_keys: ([value]) => (typeof value === 'object' && value !== null ? Object.keys(value) : null),
  set_has_element: ([set, value]) => (set as readonly unknown[]).some((one) => compare(one, value) === 0),
};

export const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  count: (rows) => rows.length,
  countif: (rows) => rows.filter(([condition]) => isTrue(condition)).length,
  sum: (rows) => rows.reduce((total, [value]) => total + (numberOf(value) ?? 0), 0),
  min: (rows) => rows.map(([value]) => value).sort(compare)[0],
  max: (rows) =>
    rows
      .map(([value]) => value)
      .sort(compare)
      .at(-1),
  make_list: (rows) => rows.map(([value]) => value),
  make_set: (rows) => [...new Set(rows.flatMap(([value]) => (comparable(value) === undefined ? [] : [value])))],
  take_any: (rows) => rows[0]?.[0],
  take_anyif: (rows) => rows.find(([, condition]) => isTrue(condition))?.[0] ?? '',
  percentile: (rows) => {
    const values = rows.flatMap(([value]) => numberOf(value) ?? []).sort((a, b) => a - b);
    return values[Math.max(0, Math.ceil((Number(rows[0]?.[1]) / 100) * values.length) - 1)] ?? null;
  },
};

function numberOf(value: unknown): number | null {
  if (comparable(value) === undefined || Number.isNaN(Number(value))) return null;
  return Number(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text === '' ? null : text;
  }
}
