/** The text that was hashed, straight from a row's bytes: a third of what it costs to make a record of the row first. */

import { canonicalize } from '../../src/canonical.js';
import { putFlat } from './canonical-jsonb.js';
import { COLUMNS, type ColumnType } from './columns.js';
import { type CopiedRow, fieldOf, JSONB_VERSION_BYTES, NUMBERS, wholeMs } from './copied-row.js';
import { createFieldMemory } from './field-memory.js';
import { putAscii, putNumber, putQuoted, putRaw, putTime } from './json-bytes.js';
import { ROW_COLUMNS } from './row.js';

/**
 * In memory that the next call uses again. Every column but `hash` is in it. Undefined where `actor` or `rest` say something of which
 * there is a column, as they do for what the column cannot hold exactly: such a row has to be looked at more closely.
 */
export function hashedText(row: CopiedRow): Buffer | undefined {
  const plan = planOf(row);
  if (plan === undefined) return undefined;
  const room = ESCAPED_BYTES * row.bytes.length + NAMES_BYTES;
  if (out.length < room) out = Buffer.allocUnsafe(2 * room);
  return out.subarray(0, putObject(row, plan, 0, true));
}

/** A member of the record or of one of its objects, in the order of the text. */
interface Member {
  readonly name: string;
  /** `"name":` */
  readonly prefix: Buffer;
  /** Of its column in `ROW_COLUMNS`. */
  readonly place: number;
  readonly type: ColumnType;
  /** Place of the column that says of which format a body is. */
  readonly format: number;
  /** Its value, where `actor` or `rest` has it instead of a column. */
  readonly found?: Buffer | undefined;
  /** Those of an object. */
  readonly members?: readonly Member[] | undefined;
  /** An object, if only an empty one. */
  readonly isThere?: boolean | undefined;
}

type Plan = readonly Member[];

const ACTOR = ROW_COLUMNS.findIndex(({ name }) => name === 'actor');
const REST = ROW_COLUMNS.findIndex(({ name }) => name === 'rest');
const COLUMNS_ALONE: Plan = columnsAlone();

function columnsAlone(): Plan {
  const plan = new Map<string, Member>();
  for (const [place, { name: column, type, member: path }] of COLUMNS.entries()) {
    const [name, member] = path;
    if (column === 'hash') continue;
    const format = COLUMNS.findIndex((other) => other.name === `${column}_format`);
    const own: Member = { name: member ?? name, prefix: prefixOf(member ?? name), place, type, format };
    const members = [...(plan.get(name)?.members ?? []), own].sort(byName);
    plan.set(name, member === undefined ? own : { ...own, name, prefix: prefixOf(name), members });
  }
  return [...plan.values()].sort(byName);
}

function planOf(row: CopiedRow): Plan | undefined {
  if (isNull(row, ACTOR) && isNull(row, REST)) return COLUMNS_ALONE;
  return plans.get(row, () => {
    const actor = jsonbOf(row, ACTOR);
    const rest = jsonbOf(row, REST);
    return rest === undefined || saysSomething(rest) ? planWith({ ...(rest as object), ...(actor !== undefined && { actor }) }) : undefined;
  });
}

/** The actors and proxies of a service are few, and so are the shapes of what they leave. */
const plans = createFieldMemory<Plan | undefined>([ACTOR, REST]);

function planWith(extras: object): Plan | undefined {
  let plan = COLUMNS_ALONE;
  for (const [name, value] of Object.entries(extras)) {
    const object = COLUMNS_ALONE.find((member) => member.name === name);
    if (object?.members === undefined || !saysSomething(value)) return undefined;
    const added = Object.entries(value).map(([member, content]) => foundMember(member, content));
    if (added.some((one) => object.members?.some((other) => other.name === one.name))) return undefined;
    const whole: Member = { ...object, isThere: true, members: [...object.members, ...added].sort(byName) };
    plan = plan.map((member) => (member === object ? whole : member));
  }
  return plan;
}

/** An object with members: anything else would change nothing, and so could stand there unnoticed. */
function saysSomething(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function foundMember(name: string, content: unknown): Member {
  return { name, prefix: prefixOf(name), place: -1, type: 'jsonb', format: -1, found: Buffer.from(canonicalize(content)) };
}

/** A control character becomes `\\u0001`. */
const ESCAPED_BYTES = 6;
/** More than all names and punctuation take. */
const NAMES_BYTES = 8192;
let out = Buffer.alloc(0);

/** Where it began, if there is nothing to say. */
function putObject(row: CopiedRow, members: readonly Member[], from: number, isThere: boolean): number {
  let at = from;
  let opening = BRACE;
  for (const member of members) {
    out[at] = opening;
    const begin = putRaw(member.prefix, 0, member.prefix.length, out, at + 1);
    const end =
      member.members === undefined ? putValue(row, member, begin) : putObject(row, member.members, begin, member.isThere === true);
    if (end === begin) continue;
    at = end;
    opening = COMMA;
  }
  if (opening === BRACE && !isThere) return from;
  if (opening === BRACE) out[at++] = BRACE;
  out[at] = END_BRACE;
  return at + 1;
}

function putValue(row: CopiedRow, { place, type, format, found }: Member, at: number): number {
  if (found !== undefined) return putRaw(found, 0, found.length, out, at);
  if (isNull(row, place)) return at;
  const start = row.starts[place] as number;
  const end = row.ends[place] as number;
  const { bytes } = row;
  switch (type) {
    case 'jsonb':
      return putJsonb(bytes, start + JSONB_VERSION_BYTES, end, at);
    case 'json':
      return isJson(row, format) ? putQuoted(bytes, start, end, out, at) : putRaw(bytes, start, end, out, at);
    case 'text':
    case 'uuid':
    case 'inet':
      return putQuoted(bytes, start, end, out, at);
    case 'boolean':
      return putAscii(bytes[start] === 1 ? 'true' : 'false', out, at);
    case 'timestamptz': {
      const ms = wholeMs(bytes, start);
      return ms === undefined ? putAscii('"no time of a record"', out, at) : putTime(ms, out, at);
    }
    default:
      return putNumber(NUMBERS[type](bytes, start), out, at);
  }
}

function putJsonb(bytes: Buffer, start: number, end: number, at: number): number {
  const flat = putFlat(bytes, start, end, out, at);
  return flat === -1 ? at + out.write(canonicalize(JSON.parse(bytes.toString('utf8', start, end))), at) : flat;
}

function isJson({ bytes, starts, ends }: CopiedRow, format: number): boolean {
  const start = starts[format] as number;
  return (ends[format] as number) - start === JSON_FORMAT.length && JSON_FORMAT.every((byte, at) => bytes[start + at] === byte);
}

const JSON_FORMAT = Buffer.from('json');

const BRACE = 0x7b;
const END_BRACE = 0x7d;
const COMMA = 0x2c;

function isNull({ starts, ends }: CopiedRow, place: number): boolean {
  return (ends[place] as number) < (starts[place] as number);
}

function jsonbOf(row: CopiedRow, place: number): unknown {
  return isNull(row, place) ? undefined : fieldOf(row, place);
}

function prefixOf(name: string): Buffer {
  return Buffer.from(`${JSON.stringify(name)}:`);
}

function byName(a: Member, b: Member): number {
  return a.name < b.name ? -1 : 1;
}
