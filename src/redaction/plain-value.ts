/** Copies any JavaScript value into plain, bounded, redacted JSON. Must never throw, nor call what could do harm beyond getters. */

import { isCard } from './cards.js';
import type { Engine } from './engine.js';
import { sanitizeText } from './json-string.js';
import { ACTION_SHIFT, COMPLETION, NAME_SHIFT, QUESTION, SENSITIVE, VALUE_SHIFT } from './keys.js';
import { MASK } from './redactor.js';

// Levels, values and UTF-16 units: metadata is a few fields; beyond this something was passed by mistake.
const MAX_LEVELS = 32;
const MAX_VALUES = 10_000;
const MAX_TEXT = 65_536;
const TOO_MUCH = '[TRUNCATED]';

export function redactValue(value: unknown, engine: Engine): unknown {
  return copy(value, '', { engine, left: MAX_VALUES, ancestors: [] });
}

interface Walk {
  readonly engine: Engine;
  left: number;
  readonly ancestors: object[];
}

function copy(value: unknown, parent: string, walk: Walk): unknown {
  if (walk.left-- <= 0) return TOO_MUCH;
  switch (typeof value) {
    case 'string':
      return copyText(value, walk);
    case 'number':
      if (!Number.isFinite(value)) return String(value);
      return Number.isInteger(value) && Math.abs(value) < 1e19 && isCard(BigInt(Math.abs(value)).toString()) ? MASK : value;
    case 'boolean':
      return value;
    case 'bigint':
      return copyText(value.toString(), walk);
    case 'object':
      return value === null ? null : copyObject(value, parent, walk);
    default:
      return undefined;
  }
}

function copyText(text: string, walk: Walk): string {
  const cut = text.length > MAX_TEXT;
  return sanitizeText(walk.engine.string(cut ? text.slice(0, MAX_TEXT) : text, 0, cut));
}

function copyObject(value: object, parent: string, walk: Walk): unknown {
  if (walk.ancestors.includes(value)) return '[CIRCULAR]';
  if (walk.ancestors.length >= MAX_LEVELS) return TOO_MUCH;
  walk.ancestors.push(value);
  try {
    return copyKind(value, parent, walk);
  } catch {
    return MASK;
  } finally {
    walk.ancestors.pop();
  }
}

function copyKind(value: object, parent: string, walk: Walk): unknown {
  if (Array.isArray(value)) return copyList(value, parent, walk);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Map)
    return copyEntries(
      [...value].map(([key, entry]) => [String(key), entry] as const),
      parent,
      walk,
    );
  if (value instanceof Set) return copyList([...value], parent, walk);
  if (value instanceof Error)
    return copyEntries([['name', value.name], ['message', value.message], ...Object.entries(value)], parent, walk);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[BINARY ${value.byteLength} bytes]`;
  if (value instanceof URL || value instanceof RegExp) return copyText(String(value), walk);
  if (value instanceof URLSearchParams) return copyEntries([...value], parent, walk);
  if (value instanceof String || value instanceof Number || value instanceof Boolean) return copy(value.valueOf(), parent, walk);
  const toJson: unknown = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJson === 'function') return copy(toJson.call(value, parent), parent, walk);
  return copyEntries(Object.entries(value), parent, walk);
}

function copyList(list: readonly unknown[], parent: string, walk: Walk): readonly unknown[] {
  const [first] = list;
  const pair = list.length === 2 && typeof first === 'string' && first.length <= 128 && (walk.engine.keys.verdict(first) & SENSITIVE) !== 0;
  const result: unknown[] = [];
  for (const item of list) {
    if (walk.left <= 0) {
      result.push(TOO_MUCH);
      break;
    }
    result.push(pair && result.length === 1 ? MASK : (copy(item, parent, walk) ?? null));
  }
  return result;
}

function copyEntries(entries: readonly (readonly [string, unknown])[], parent: string, walk: Walk): object {
  const { keys } = walk.engine;
  const named = entries.map(([key, value]) => nameStrengthOf(keys.verdict(key), value, walk.engine));
  const strongest = Math.max(0, ...named.slice(0, 1000));
  const result: [string, unknown][] = [];
  for (const [key, value] of entries) {
    if (walk.left <= 0) {
      result.push([TOO_MUCH, true]);
      break;
    }
    const plain = keys.verdict(key);
    const below = (plain & (SENSITIVE | COMPLETION)) === COMPLETION && parent !== '' ? keys.verdictBelow(parent, key) : 0;
    const valued = (plain >> VALUE_SHIFT) & 3;
    const copied = hidden(plain | below, value)
      ? hide(plain | below, value, walk)
      : valued > 0 && valued + strongest >= 3
        ? MASK
        : copy(value, key, walk);
    if (copied !== undefined) result.push([copyText(key, walk), copied]);
  }
  return Object.fromEntries(result);
}

function nameStrengthOf(verdict: number, value: unknown, engine: Engine): number {
  const strength = (verdict >> NAME_SHIFT) & 3;
  if (strength === 0 || typeof value !== 'string' || value.length > 128) return 0;
  return (engine.keys.verdict(value) & SENSITIVE) !== 0 ? strength : 0;
}

function hidden(verdict: number, value: unknown): boolean {
  if ((verdict & SENSITIVE) === 0 || value === undefined || typeof value === 'function') return false;
  return (verdict & QUESTION) === 0 || (value !== null && typeof value !== 'boolean');
}

function hide(verdict: number, value: unknown, walk: Walk): unknown {
  const scalar = typeof value !== 'object' || value === null;
  return walk.engine.replace(verdict >> ACTION_SHIFT, scalar ? String(value) : '', scalar);
}
