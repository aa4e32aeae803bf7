/** Redacts the path of a URL: secrets by their look, and what follows a segment that announces one. */

import type { Engine } from './engine.js';
import { decodeComponent } from './form.js';
import { SENSITIVE } from './keys.js';
import { MASK } from './redactor.js';

/** `announcing`: segments, in lower case, whose next segment is a secret if it looks like one. */
export function redactPath(path: string, announcing: ReadonlySet<string>, engine: Engine): string {
  const segments = path.split('/');
  let before = '';
  const redacted = segments.map((segment) => {
    const decoded = decodeComponent(segment.replaceAll('+', '%2B'), false);
    const announced = before !== '' && announces(before, decoded, announcing, engine);
    before = decoded;
    if (announced) return MASK;
    const text = engine.string(decoded, 0, false);
    return text === decoded ? segment : text.replace(/[/?#\s%]/g, encodeURIComponent);
  });
  const joined = redacted.join('/');
  // Once more as a whole: a URL within the path has its slashes among the segments.
  return joined.includes('//') ? engine.string(joined, 0, false) : joined;
}

/** After which segments services put one-time tokens. */
export const ANNOUNCING: ReadonlySet<string> = new Set(
  (
    'reset reset-password password-reset passwordreset forgot-password recover recovery verify verify-email email-verification verification confirm confirm-email confirmation ' +
    'activate activation magic magic-link magiclink invite invitation invitations unsubscribe share shared download-link sso one-time otp'
  ).split(' '),
);

function announces(before: string, segment: string, announcing: ReadonlySet<string>, engine: Engine): boolean {
  if (announcing.has(before.toLowerCase())) return segment.length >= 8 && /\d/.test(segment);
  if ((engine.keys.verdict(before) & SENSITIVE) === 0) return false;
  // `/tokens/42` and `/sessions/<uuid>` name what was acted on; only what looks made at random goes.
  return segment.length >= 8 && /\d/.test(segment) && /[A-Za-z]/.test(segment) && !UUID.test(segment) && segment !== MASK;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
