/**
 * The SDK converts each item with a placeholder for its `customDimensions`, which are put in afterwards: it would walk fifty
 * properties three times, which costs more than all else it does (test/bench/azure.ts).
 */

import type { AuditItem } from '../envelope/item.js';

const NAME = 'audit.here';
// Bare quotes: no text inside a JSON string can look like it.
const PLACEHOLDER = '{"audit.here":""}';

/** What the SDK converts. */
export function placed({ convertible }: AuditItem): AuditItem['convertible'] {
  return { ...convertible, attributes: { ...convertible.attributes, [NAME]: '' } };
}

/** The request's body with each item's own properties, in order; undefined unless it has a place for each. */
export function withProperties(body: string, items: readonly AuditItem[]): string | undefined {
  const pieces = body.split(PLACEHOLDER);
  if (pieces.length !== items.length + 1) return undefined;
  return pieces.map((piece, index) => piece + (items[index]?.properties ?? '')).join('');
}
