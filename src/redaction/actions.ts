/** What stands in the place of a sensitive value. Each is stable: applied to its own result it changes nothing. */

import { createHmac } from 'node:crypto';
import type { RedactionRule } from './options.js';
import { MASK } from './redactor.js';

/** `text` as written, or decoded if a string; `scalar` is false for objects and arrays. Undefined: nothing stands there. */
export type Action = (text: string, scalar: boolean) => string | undefined;

export function createAction(rule: RedactionRule, hashKey: string | undefined): Action {
  switch (rule.action) {
    case 'drop':
      return () => undefined;
    case 'last4':
      return (text, scalar) => (scalar && text.length >= 8 && text !== MASK ? `****${text.slice(-4)}` : MASK);
    case 'hash':
      return (text) =>
        HASHED.test(text) || text === MASK
          ? text
          : `[HMAC ${createHmac('sha256', hashKey ?? '')
              .update(text)
              .digest('hex')}]`;
    case 'truncate':
      return (text, scalar) => truncate(text, scalar, rule.keep ?? 4);
    default:
      return mask;
  }
}

export const mask: Action = () => MASK;

const HASHED = /^\[HMAC [0-9a-f]{64}\]$/;

/** At most half of it: the beginning of a short secret is the secret. */
function truncate(text: string, scalar: boolean, keep: number): string {
  if (!scalar || text === MASK) return MASK;
  if (text.endsWith('…') && text.length <= keep + 1) return text;
  return text.length >= keep * 2 ? `${text.slice(0, keep)}…` : MASK;
}
