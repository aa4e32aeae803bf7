/** What the parts of the redaction share: the compiled rules and the way back to the whole. */

import type { Keys } from './keys.js';

export interface Engine {
  readonly keys: Keys;
  /** True: every string is looked at, not only those that `signals.ts` finds suspicious. */
  readonly thorough: boolean;
  /**
   * Redacts a string of any content; the same string if nothing had to go. `depth` counts formats within formats.
   * `cut`: the string's end is missing, so what may be the beginning of a secret goes too.
   */
  string(text: string, depth: number, cut: boolean): string;
  /** What stands for a sensitive value; undefined: nothing, its key goes too. `text` is the value as written, or decoded if a string. */
  replace(action: number, text: string, scalar: boolean): string | undefined;
  /** Whether any rule drops members. */
  readonly drops: boolean;
  /** The custom patterns and functions; undefined without any. */
  readonly custom: ((text: string) => string) | undefined;
  /** Whether a path was allowed; undefined when none ever is. */
  readonly allows: ((path: readonly (string | number)[]) => boolean) | undefined;
}

/** Formats within formats are followed this far; what lies deeper is masked if it looks like one more. */
export const MAX_DEPTH = 6;
