/** Turns a segment of a path into the name of what it holds: `order-items` is `order-item`, `People` is `person`. */

import pluralize from 'pluralize';
import { createRecent } from '../recent.js';

/** Ends that mean no plural, or another one than the general rules believe. Not taught to the library: the service may use it too. */
const IRREGULAR: Readonly<Record<string, string>> = Object.fromEntries(
  'aws axis basis canvas chaos cors css data devops dns gps https ios js kubernetes lens media metadata ops os redis saas sms tls vps'
    .split(' ')
    .map((word) => [word, word]),
);
const OTHER_SINGULARS: Readonly<Record<string, string>> = { caches: 'cache', cookies: 'cookie', canvases: 'canvas', lenses: 'lens' };

// Singularising runs a hundred patterns; services have few nouns, which stay known whatever paths a scanner tries.
const names = createRecent<string>(1000);

export function singularOf(segment: string): string {
  const known = names.get(segment);
  if (known !== undefined) return known;
  const name = nameOf(segment);
  names.set(segment, name);
  return name;
}

/** Whether a word means many of what it names, so that one of them may follow: `orders`, `people`, `news`. */
export function isCollection(segment: string): boolean {
  return singularOf(segment) !== spelled(segment) || pluralize.isPlural(lastWord(spelled(segment)));
}

function nameOf(segment: string): string {
  const form = spelled(segment);
  const last = lastWord(form);
  const singular = Object.hasOwn(OTHER_SINGULARS, last)
    ? OTHER_SINGULARS[last]
    : Object.hasOwn(IRREGULAR, last)
      ? last
      : pluralize.singular(last);
  return `${form.slice(0, form.length - last.length)}${singular}` || 'root';
}

/** Lower case, words by hyphens: `orderItems` and `order items` are `order-items`. */
function spelled(segment: string): string {
  return segment
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1-$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_-]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}

function lastWord(form: string): string {
  return form.slice(Math.max(form.lastIndexOf('-'), form.lastIndexOf('_')) + 1);
}
