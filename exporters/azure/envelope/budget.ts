/** Lays a record's attributes out over one event and, when they are too long for it, part events. Cuts nothing off. */

import type { Attributes, AttributeValue } from '../../../src/record-attributes.js';
import { MAX_PIECES, PART_ATTRIBUTE, PART_NUMBER, PART_TEXT, PARTS, pieceName } from './names.js';
import { splitText } from './split-text.js';

export type Properties = Record<string, string>;

interface Layout {
  /** JSON text of the event's own. */
  readonly properties: string;
  /** Of the part events, in order; without what links them to the record. */
  readonly parts: readonly Properties[];
}

// 8,192: the longest value Application Insights keeps. Bytes, though the service counts characters: the SDK cuts at bytes.
const MAX_VALUE_BYTES = 8192;

// An item may have 64 KB, and stored customDimensions were seen cut at 65,532 characters. 4 KB are left for the envelope and its tags.
const MAX_PROPERTIES_BYTES = 56_000;

const REFERENCE_BYTES = 400; // what links a part event to its record
const QUOTES_AND_COMMAS = 6;

/** Attributes keep their order: what comes first is the last to be moved to part events. */
export function layOut(attributes: Attributes): Layout {
  // JSON text at once: an object of fifty changing keys costs more than its text (test/bench/azure.ts).
  const json: string[] = [];
  let worst = 0;
  for (const name in attributes) {
    const text = textOf(attributes[name] ?? '');
    // Without measuring: no UTF-16 unit takes more than 3 bytes in UTF-8, nor more than 6 in JSON.
    worst += name.length + text.length * 6 + QUOTES_AND_COMMAS;
    if (text.length * 3 > MAX_VALUE_BYTES || worst > MAX_PROPERTIES_BYTES) return layOutMeasured(attributes);
    json.push(`"${name}":${JSON.stringify(text)}`);
  }
  return { properties: `{${json.join(',')}}`, parts: [] };
}

function textOf(value: AttributeValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

interface Overflow {
  readonly name: string;
  readonly pieces: readonly string[];
}

function layOutMeasured(attributes: Attributes): Layout {
  const properties: Properties = {};
  const overflows: Overflow[] = [];
  let left = MAX_PROPERTIES_BYTES - PARTS.length - 2 * QUOTES_AND_COMMAS;
  for (const [name, value] of Object.entries(attributes)) {
    const pieces = splitText(textOf(value), MAX_VALUE_BYTES);
    let kept = 0;
    for (const piece of pieces.slice(0, MAX_PIECES)) {
      const bytes = propertyBytes(pieceName(name, kept + 1), piece);
      if (bytes > left) break;
      left -= bytes;
      kept += 1;
      properties[pieceName(name, kept)] = piece;
    }
    if (kept < pieces.length) overflows.push({ name, pieces: pieces.slice(kept) });
  }
  const parts = overflows.flatMap(layOutParts).map((part, index): Properties => ({ [PART_NUMBER]: String(index + 1), ...part }));
  if (parts.length > 0) properties[PARTS] = String(parts.length);
  return { properties: JSON.stringify(properties), parts };
}

function layOutParts({ name, pieces }: Overflow): readonly Properties[] {
  const parts: Properties[] = [];
  let part: Properties = {};
  let count = 0;
  let left = 0;
  for (const piece of pieces) {
    const bytes = propertyBytes(pieceName(PART_TEXT, MAX_PIECES), piece);
    if (count === 0 || count === MAX_PIECES || bytes > left) {
      part = { [PART_ATTRIBUTE]: name };
      parts.push(part);
      count = 0;
      left = MAX_PROPERTIES_BYTES - REFERENCE_BYTES;
    }
    left -= bytes;
    count += 1;
    part[pieceName(PART_TEXT, count)] = piece;
  }
  return parts;
}

function propertyBytes(name: string, text: string): number {
  return name.length + Buffer.byteLength(JSON.stringify(text)) + QUOTES_AND_COMMAS;
}
