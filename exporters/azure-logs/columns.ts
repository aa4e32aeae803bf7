/** The columns of `Audit_CL`: one for each attribute, and those that carry what one row cannot. */

import { ATTRIBUTES, type AttributeDefinition } from '../../src/attributes.js';

export type LogsColumnType = 'string' | 'long' | 'real' | 'boolean' | 'datetime' | 'dynamic';

export interface LogsColumn {
  readonly name: string;
  readonly type: LogsColumnType;
  readonly description: string;
}

export interface AttributeColumn extends LogsColumn {
  /** `audit.actor.id` */
  readonly attribute: string;
}

export const RECORD_ID = 'RecordId';
export const TIME_GENERATED = 'TimeGenerated';
export const EMPTY_MEMBERS = 'EmptyMembers';
export const REST = 'Rest';
export const PARTS = 'Parts';
export const PART = 'Part';
export const PART_OF = 'PartOf';
export const PART_TEXT = 'PartText';

/** `actor.tenantId` is `ActorTenantId`; where a name is too short to tell or taken by the service (`TenantId`), another. */
const NAMES: Readonly<Record<string, string>> = { id: RECORD_ID, time: 'OccurredAt', 'tenant.id': 'AuditTenantId' };

const TYPES: Readonly<Record<AttributeDefinition['type'], LogsColumnType>> = {
  string: 'string',
  number: 'long',
  boolean: 'boolean',
  strings: 'dynamic',
  json: 'dynamic',
};
const OTHER_TYPES: Readonly<Record<string, LogsColumnType>> = { time: 'datetime', observedTime: 'datetime', durationMs: 'real' };

export const ATTRIBUTE_COLUMNS: readonly AttributeColumn[] = ATTRIBUTES.map(({ name, member, type, meaning }) => ({
  attribute: name,
  name: NAMES[member] ?? member.replace(/(?:^|\.)(.)/g, (_, letter: string) => letter.toUpperCase()),
  type: OTHER_TYPES[member] ?? TYPES[type],
  description: meaning,
}));

/** All of the table, in order. The ARM template of the samples declares the same. */
export const COLUMNS: readonly LogsColumn[] = [
  { name: TIME_GENERATED, type: 'datetime', description: 'OccurredAt, unless the service replaces it: it does for what is two days late.' },
  ...ATTRIBUTE_COLUMNS.map(({ name, type, description }) => ({ name, type, description })),
  { name: EMPTY_MEMBERS, type: 'string', description: 'Members that are empty objects, which no column can hold; comma-separated.' },
  { name: REST, type: 'dynamic', description: 'By attribute: values that their column cannot give back as they were.' },
  { name: PARTS, type: 'long', description: 'How many part rows belong to this record; absent: none.' },
  { name: PART, type: 'long', description: 'Only on part rows: the place of this one, from 1.' },
  { name: PART_OF, type: 'string', description: 'Only on part rows: the column whose text it continues.' },
  { name: PART_TEXT, type: 'string', description: 'Only on part rows: the text.' },
];
