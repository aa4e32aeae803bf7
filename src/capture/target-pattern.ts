/** Takes the target out of a path where a rule says where it stands: `/orders/:id` makes `/orders/42` the order 42. */

import type { PolicyTarget } from '../policy-rule.js';
import type { AuditTarget } from '../record.js';
import { singularOf } from './resource-name.js';

/** Given the redacted path; undefined where the pattern does not fit. */
export type FindTarget = (path: string) => AuditTarget | undefined;

export function compileTarget({ pattern, type, id }: PolicyTarget): FindTarget {
  const segments = segmentsOf(pattern);
  const isOpen = segments.at(-1) === '**';
  const fixed = isOpen ? segments.slice(0, -1) : segments;
  const place = fixed.findLastIndex((segment) => (id === undefined ? segment.startsWith(':') : segment === `:${id}`));
  return (path) => {
    const values = segmentsOf(path);
    if (isOpen ? values.length < fixed.length : values.length !== fixed.length) return undefined;
    if (!fixed.every((segment, index) => segment === '*' || segment.startsWith(':') || segment === values[index])) return undefined;
    const value = values[place];
    return { type: type ?? typeBefore(fixed, place), id: value === undefined ? undefined : decoded(value) };
  };
}

/** What is wrong with a target, if anything is. */
export function targetFault({ pattern, id }: PolicyTarget): string | undefined {
  const segments = segmentsOf(pattern);
  if (!pattern.startsWith('/')) return 'must be a path that starts with /';
  if (segments.slice(0, -1).includes('**')) return 'may have ** at its end only';
  if (!segments.some((segment) => (id === undefined ? /^:\w+$/.test(segment) : segment === `:${id}`)))
    return id === undefined ? 'must have a value, like /orders/:id' : 'must have the value that id names';
  return undefined;
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter(Boolean);
}

function typeBefore(segments: readonly string[], place: number): string | undefined {
  const literal = segments.slice(0, place).findLast((segment) => segment !== '*' && !segment.startsWith(':'));
  return literal === undefined ? undefined : singularOf(literal);
}

/** A segment as the service's router reads it; as it stands where it cannot be decoded. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
