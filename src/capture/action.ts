/** Names what was done and to what: `POST /api/orders` is `order.created`. Ids never become part of a name. */

import pluralize from 'pluralize';
import type { AuditTarget } from '../record.js';

const VERBS: Readonly<Record<string, string>> = {
  GET: 'accessed',
  HEAD: 'accessed',
  POST: 'created',
  PUT: 'updated',
  PATCH: 'updated',
  DELETE: 'deleted',
};
const PREFIX = /^(?:api|rest|v\d+(?:\.\d+)?)$/i;
/** `:id`, `{id}`, `[id]`, `*`: a parameter of a route pattern. */
const PARAMETER = /^[:{[*]/;
/** Numbers, UUIDs, long hexadecimal and anything with several digits: somebody's id rather than a resource. */
const ID = /^(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=(?:\D*\d){3})[\w.~-]+|.*(?:[@%]|\[REDACTED\]).*|.{49,})$/i;
const DEPTH = 4;

export interface ActionAndTarget {
  readonly action: string;
  readonly target: AuditTarget | undefined;
}

/**
 * `path` is the redacted path, `route` the pattern if the framework told one. Nested resources are joined
 * (`user.order.created`); a POST to a singular word behind an id is that verb (`order.cancel`).
 */
export function actionOf(method: string, path: string, route: string | undefined): ActionAndTarget {
  const steps = stepsOf(path, route);
  const nouns = steps.filter((step) => !step.isId).map((step) => nameOf(step.text));
  const last = steps[steps.length - 1];
  const isVerb =
    method === 'POST' &&
    steps.length > 2 &&
    last?.isId === false &&
    steps[steps.length - 2]?.isId === true &&
    !pluralize.isPlural(last.text);
  const resource = (isVerb ? nouns.slice(0, -1) : nouns).slice(-DEPTH).join('.') || 'root';
  const verb = isVerb ? nouns[nouns.length - 1] : (VERBS[method] ?? method.toLowerCase());
  return { action: `${resource}.${verb}`, target: targetOf(steps) };
}

interface Step {
  /** As in the path: the value of a parameter, the literal otherwise. */
  readonly text: string;
  readonly isId: boolean;
}

function stepsOf(path: string, route: string | undefined): readonly Step[] {
  const values = path.split('/').filter(Boolean);
  const patterns = route?.split('/').filter(Boolean);
  // A route with optional or wildcard parts has another number of segments: then the path must speak for itself.
  const aligned = patterns?.length === values.length ? patterns : undefined;
  const steps = values.map((text, index) => ({ text, isId: aligned ? PARAMETER.test(aligned[index] ?? '') : ID.test(text) }));
  const start = steps.findIndex((step) => !PREFIX.test(step.text));
  return start === -1 ? [] : steps.slice(start);
}

function targetOf(steps: readonly Step[]): AuditTarget | undefined {
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const step = steps[index];
    if (step === undefined || step.isId) continue;
    const value = steps[index + 1];
    if (value !== undefined || index === 0) return { type: nameOf(step.text), id: value?.isId === true ? decoded(value.text) : undefined };
  }
  return undefined;
}

// Singularising runs a hundred patterns; services have few nouns. The bound keeps a scanner's paths from filling memory.
const names = new Map<string, string>();
const MAX_NAMES = 1000;

function nameOf(segment: string): string {
  const known = names.get(segment);
  if (known !== undefined) return known;
  const name = pluralize.singular(segment.toLowerCase().replace(/[^\p{L}\p{N}_-]+/gu, '-')) || 'root';
  if (names.size < MAX_NAMES) names.set(segment, name);
  return name;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
