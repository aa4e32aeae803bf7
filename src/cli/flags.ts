/** Flags as people write them: `7d`, `2026-11-01`, `4xx`, `order/o-17`. What is none of it is a wrong call, not a wrong configuration. */

import { InvalidArgumentError } from 'commander';
import type { RecordFilter } from '../trail/filter.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** @throws {InvalidArgumentError} */
export function durationMs(text: string): number {
  const [, count, unit = 's'] = /^(\d+)([smhdw]?)$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('It must be a duration such as 90s, 12h or 7d.');
  return Number(count) * (UNIT_MS[unit || 's'] ?? 1000);
}

/** RFC 3339 UTC of a date, a time, or a duration before now. @throws {InvalidArgumentError} */
export function timeOf(text: string, nowMs: number): string {
  if (/^\d+[smhdw]$/.test(text)) return new Date(nowMs - durationMs(text)).toISOString();
  const ms = /^\d{4}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a time such as 2026-11-01T08:00:00Z, or how long ago: 12h, 7d.');
  return new Date(ms).toISOString();
}

/** As `timeOf`, before this moment: the parser of an option. */
export function whenOf(text: string): string {
  return timeOf(text, Date.now());
}

/** `404`, `4xx` or `400-403`. @throws {InvalidArgumentError} */
export function statusRange(text: string): readonly [number, number] {
  const [, from, to] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? [];
  if (from !== undefined) return [Number(from), Number(to ?? from)];
  const [, hundreds] = /^([1-5])xx$/i.exec(text) ?? [];
  if (hundreds === undefined) throw new InvalidArgumentError('It must be a status such as 404, 4xx or 400-403.');
  return [Number(hundreds) * 100, Number(hundreds) * 100 + 99];
}

/** `order`, `order/o-17` or `/o-17`. */
export function targetOf(text: string): NonNullable<RecordFilter['target']> {
  const slash = text.indexOf('/');
  if (slash === -1) return { type: text };
  return { type: text.slice(0, slash) || undefined, id: text.slice(slash + 1) || undefined };
}

/** @throws {InvalidArgumentError} */
export function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return count;
}

/** `404` and nothing wider. @throws {InvalidArgumentError} */
export function statusOf(text: string): number {
  if (!/^[1-5]\d\d$/.test(text)) throw new InvalidArgumentError('It must be a status such as 404.');
  return Number(text);
}
