/** Reads a path as steps: names of resources, ids of single ones, and the deed it may end with. */

import { isDeed, isPart } from './action-words.js';
import { isCollection, singularOf } from './resource-name.js';

export interface Step {
  /** As in the path: the value of a parameter, the literal otherwise. */
  readonly text: string;
  readonly isId: boolean;
  /** It stands behind a colon: `/orders/42:cancel`. */
  readonly isCustomMethod?: boolean;
}

/** With the route it is known what is an id; without, everything is one that does not stand where a name stands. */
export function stepsOf(path: string, route: string | undefined): readonly Step[] {
  const values = segmentsOf(path);
  const patterns = route === undefined ? undefined : segmentsOf(route.replaceAll('{/', '/'));
  // A route with optional or wildcard parts has another number of segments: then the path must speak for itself.
  const steps = patterns?.length === values.length ? aligned(values, patterns) : guessed(values);
  const start = steps.findIndex((step) => step.isId || !isPrefix(step.text));
  return start === -1 ? [] : steps.slice(start).filter((step) => step.isId || !isPrefix(step.text));
}

/** A path with `:id` where an id stands, for lists of what has been seen. */
export function templateOf(path: string): string {
  const steps = guessed(segmentsOf(path));
  return `/${steps.map((step) => (step.isId ? ':id' : step.text)).join('/')}`;
}

// No route of a service is so deep; each segment takes some 10 µs, and a client may send 8,000 of them.
const MAX_SEGMENTS = 64;

function segmentsOf(path: string): readonly string[] {
  return path.split('/', MAX_SEGMENTS).filter(Boolean);
}

/** `:id`, `{id}`, `[id]`, `*`, `(\\d+)`: a parameter, also inside a segment (`order-:id`). */
const PARAMETER = /[:{[(*]/;

function aligned(values: readonly string[], patterns: readonly string[]): readonly Step[] {
  return values.flatMap((text, index): readonly Step[] => {
    const pattern = patterns[index] ?? '';
    const method = /.[\\]?:([a-z]+)$/i.exec(pattern)?.[1];
    if (method !== undefined && text.endsWith(`:${method}`) && /[^:]/.test(pattern)) {
      const rest = text.slice(0, -method.length - 1);
      return [
        { text: rest, isId: PARAMETER.test(pattern.slice(0, pattern.lastIndexOf(':'))) },
        { text: method, isId: false, isCustomMethod: true },
      ];
    }
    return [{ text, isId: PARAMETER.test(pattern) }];
  });
}

const CUSTOM_METHOD = /^(.+):([a-z][a-z-]*)$/i;
/** `Orders(42)`, as OData writes it. */
const CALL = /^([a-z_]+)\((.*)\)$/i;

function guessed(values: readonly string[]): readonly Step[] {
  const parts = values.flatMap((value): readonly (string | Step)[] => {
    const [text = ''] = value.split(';', 1);
    const [, before, method] = CUSTOM_METHOD.exec(text) ?? [];
    if (before !== undefined && method !== undefined) return [before, { text: method, isId: false, isCustomMethod: true }];
    const [, resource, key] = CALL.exec(text) ?? [];
    if (resource !== undefined) return key === undefined || key === '' ? [resource] : [resource, { text: key, isId: true }];
    return text === '' ? [] : [text];
  });
  const steps: Step[] = [];
  for (const [index, part] of parts.entries()) {
    if (typeof part !== 'string') steps.push(part);
    else steps.push({ text: part, isId: !isName(part, steps, parts[index + 1]) });
  }
  return steps;
}

function isName(text: string, before: readonly Step[], next: string | Step | undefined): boolean {
  const previous = before.findLast((step) => step.isId || !isPrefix(step.text));
  if (previous === undefined) return !looksLikeId(text);
  if (looksLikeId(text) || text.includes('.')) return false;
  if (isPrefix(text)) return true;
  const word = text.toLowerCase();
  if (isDeed(word) || isPart(singularOf(text))) return true;
  if (previous.isId) return looksLikeId(previous.text) || isCollection(text);
  if (isCollection(previous.text)) return false;
  return isCollection(text) || (typeof next === 'string' ? looksLikeId(next) : next?.isId === true);
}

const VERSION = /^v\d+(?:\.\d+|(?:alpha|beta)\d*)?$/i;

function isPrefix(text: string): boolean {
  return /^(?:api|rest)$/i.test(text) || VERSION.test(text);
}

/** Three digits, long hexadecimal, too long, or a character that names do not have: whatever it is, it is no name. */
function looksLikeId(text: string): boolean {
  return (
    /^\d+$/.test(text) || /(?:\d\D*){3}/.test(text) || /^[0-9a-f]{16,}$/i.test(text) || text.length > 48 || /[^\p{L}\p{N}_.-]/u.test(text)
  );
}
