/** Members that are empty objects: part of the hashed record, but nothing an attribute could carry. */

import { ATTRIBUTES } from './attributes.js';
import type { AuditRecord } from './record.js';

/** The attribute that names them where a sink has attributes only: comma-separated. */
export const EMPTY_MEMBERS = 'audit.empty_members';

const CONTAINERS: readonly (readonly string[])[] = containers();

/** Their paths: `['response', 'client.geo']`. */
export function emptyMembersOf(record: AuditRecord): readonly string[] {
  const empty: string[] = [];
  for (const steps of CONTAINERS) {
    let value: unknown = record;
    for (const step of steps) value = (value as Record<string, unknown> | undefined)?.[step];
    if (typeof value === 'object' && value !== null && isEmpty(value)) empty.push(steps.join('.'));
  }
  return empty;
}

/** Puts them back into a record that is being rebuilt. Only known paths are followed. */
export function restoreEmptyMembers(record: Record<string, unknown>, paths: readonly string[]): void {
  for (const steps of CONTAINERS) {
    if (!paths.includes(steps.join('.'))) continue;
    let place = record;
    for (const step of steps) {
      place[step] ??= {};
      place = place[step] as Record<string, unknown>;
    }
  }
}

function isEmpty(value: object): boolean {
  for (const key in value) if ((value as Record<string, unknown>)[key] !== undefined) return false;
  return true;
}

function containers(): string[][] {
  const paths = new Set<string>();
  for (const { member } of ATTRIBUTES) {
    const steps = member.split('.');
    for (let length = 1; length < steps.length; length += 1) paths.add(steps.slice(0, length).join('.'));
  }
  return [...paths].map((path) => path.split('.'));
}
