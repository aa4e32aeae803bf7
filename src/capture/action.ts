/** Names what was done and to what: `POST /api/orders` is `order.created`. Ids never become part of a name. */

import type { AuditTarget } from '../record.js';
import { isDeed, looksLikeNoun } from './action-words.js';
import { type Step, stepsOf } from './path-steps.js';
import { isCollection, singularOf } from './resource-name.js';
import { decoded } from './target-pattern.js';

const VERBS: Readonly<Record<string, string>> = {
  GET: 'accessed',
  HEAD: 'accessed',
  POST: 'created',
  PUT: 'updated',
  PATCH: 'updated',
  DELETE: 'deleted',
};
const DEPTH = 4;

export interface ActionAndTarget {
  readonly action: string;
  readonly target: AuditTarget | undefined;
}

/**
 * `path` is the redacted path, `route` the pattern if the framework told one. Nested resources are joined
 * (`user.order.created`); a word for a deed at the end is the verb (`order.cancel`), and so is a POST to any singular word
 * behind an id.
 */
export function actionOf(method: string, path: string, route: string | undefined): ActionAndTarget {
  const steps = stepsOf(path, route);
  const names = steps.filter((step) => !step.isId).map((step) => singularOf(step.text));
  const endsInVerb = isVerb(method, steps);
  const resource = (endsInVerb ? names.slice(0, -1) : names).slice(-DEPTH).join('.') || 'root';
  const verb = endsInVerb ? singularOf(steps.at(-1)?.text ?? '') : (VERBS[method] ?? method.toLowerCase());
  return { action: `${resource}.${verb}`, target: targetOf(steps) };
}

function isVerb(method: string, steps: readonly Step[]): boolean {
  const last = steps.at(-1);
  const previous = steps.at(-2);
  if (last === undefined || last.isId || previous === undefined) return false;
  if (last.isCustomMethod === true) return true;
  const word = last.text.toLowerCase();
  if (isDeed(word)) return method !== 'DELETE' && steps.some((step) => !step.isId && step !== last);
  return method === 'POST' && steps.length > 2 && previous.isId && !isCollection(last.text) && !looksLikeNoun(word);
}

/** The last resource that something follows, and the id right behind it; else the first. */
function targetOf(steps: readonly Step[]): AuditTarget | undefined {
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const step = steps[index];
    if (step === undefined || step.isId) continue;
    const value = steps[index + 1];
    if (value !== undefined || index === 0)
      return { type: singularOf(step.text), id: value?.isId === true ? decoded(value.text) : undefined };
  }
  return undefined;
}
