/** The pure mappers between a record and flat attributes, both driven by the table in `attributes.ts`. */

import { ATTRIBUTES, type AttributeDefinition, BODY_ATTRIBUTES, FLAGGED } from './attributes.js';
import type { AuditRecord, JsonValue } from './record.js';

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Record<string, AttributeValue>;

export interface ToAttributesOptions {
  /** False leaves `audit.request.body` and `audit.response.body` out. Default true. */
  readonly bodies?: boolean;
  /** True adds each value under its OpenTelemetry semantic convention as well. Default false. */
  readonly conventions?: boolean;
}

/** The record as attributes, `audit.flagged: true` first, then in the order of the table. Absent members are absent. */
export function toAttributes(record: AuditRecord, options: ToAttributesOptions = {}): Attributes {
  const attributes: Attributes = { [FLAGGED]: true };
  const { bodies = true, conventions = false } = options;
  for (const { definition, steps, isBody } of FIELDS) {
    const value = memberAt(record, steps);
    if (value === undefined || value === null || (isBody && !bodies)) continue;
    const encoded = definition.type === 'json' ? JSON.stringify(value) : (value as AttributeValue);
    attributes[definition.name] = encoded;
    if (conventions && definition.convention !== undefined) attributes[definition.convention] = encoded;
  }
  return attributes;
}

/**
 * The members that attributes carry, unchecked: values of the wrong type are left out, nothing is invented.
 * Reads values as strings too (Application Insights makes strings of all of them).
 */
export function membersOf(attributes: Readonly<Record<string, unknown>>): PartialRecord {
  const record: Record<string, unknown> = {};
  for (const { definition, steps } of FIELDS) {
    const value = decode(definition, attributes[definition.name]);
    if (value !== undefined) setMember(record, steps, value);
  }
  return record as PartialRecord;
}

export type PartialRecord = { readonly [Member in keyof AuditRecord]?: Partial<AuditRecord[Member]> | AuditRecord[Member] };

const FIELDS = ATTRIBUTES.map((definition) => ({
  definition,
  steps: definition.member.split('.'),
  isBody: BODY_ATTRIBUTES.has(definition.name),
}));

function memberAt(record: AuditRecord, steps: readonly string[]): unknown {
  let value: unknown = record;
  // Sixty times a request: by index, a record takes 2.4 µs, by iterator 4.0.
  for (let index = 0; index < steps.length; index += 1) {
    if (value === undefined || value === null) return undefined;
    value = (value as Record<string, unknown>)[steps[index] as string];
  }
  return value;
}

function setMember(record: Record<string, unknown>, steps: readonly string[], value: unknown): void {
  let place = record;
  for (const step of steps.slice(0, -1)) {
    place[step] ??= {};
    place = place[step] as Record<string, unknown>;
  }
  const last = steps[steps.length - 1];
  if (last !== undefined) place[last] = value;
}

function decode(definition: AttributeDefinition, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  switch (definition.type) {
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'number':
      return finite(typeof value === 'string' ? Number(value) : value);
    case 'boolean':
      if (value === 'true' || value === true) return true;
      return value === 'false' || value === false ? false : undefined;
    case 'strings':
      return strings(typeof value === 'string' ? parse(value) : value);
    case 'json':
      return typeof value === 'string' ? parse(value) : undefined;
  }
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function strings(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
