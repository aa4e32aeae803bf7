/** The names that exist in Application Insights only: events, and attributes that carry what one item cannot hold. */

import { ATTRIBUTES } from '../../../src/attributes.js';
import { EMPTY_MEMBERS } from '../../../src/empty-members.js';
import type { RecordKind } from '../../../src/record.js';

export const RECORD_ID = attributeOf('id');
export const REFERS_TO = attributeOf('refersTo');
export const TIME = attributeOf('time');

/** The custom event of a record: `audit.http`. Few and stable: dashboards and alerts name them. */
export function eventName(kind: RecordKind): string {
  return `audit.${kind}`;
}

/** The custom event that carries what did not fit into a record's own. */
export const PART_EVENT = 'audit.part';

/** On a record's event: how many part events belong to it. Absent: none. */
export const PARTS = 'audit.parts';

/** On a part event: whose text it continues (`audit.request.body`), its place from 1, and the text. */
export const PART_ATTRIBUTE = 'audit.part.attribute';
export const PART_NUMBER = 'audit.part.number';
export const PART_TEXT = 'audit.part.text';

export const AZURE_ATTRIBUTES = [PARTS, EMPTY_MEMBERS, PART_ATTRIBUTE, PART_NUMBER, PART_TEXT] as const;

/**
 * Pieces one attribute may have in one item, each at most 8,192 bytes: more do not fit into an item anyway, and a
 * resource keeps about 200 property names in all.
 */
export const MAX_PIECES = 6;

/** `audit.request.body`, `audit.request.body_2` … `audit.request.body_6` */
export function pieceName(name: string, number: number): string {
  return number === 1 ? name : `${name}_${number}`;
}

function attributeOf(member: string): string {
  return ATTRIBUTES.find((definition) => definition.member === member)?.name ?? member;
}
