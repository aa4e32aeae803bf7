/** A redactor that remembers what short texts became: user agents, media types and names come again with every request. */

import type { Redactor } from '../redaction/redactor.js';

// By name of a header, and for all prose: 500 texts of at most 512 units are 0.5 MB.
const MAX_TEXTS = 500;
const MAX_LENGTH = 512;
/** Looking up costs more than looking at so little. */
const MIN_LENGTH = 8;

/** `header` and `text` answer from memory; nothing else differs. */
export function rememberTexts(redactor: Redactor): Redactor {
  const headers = new Map<string, (value: string) => string>();
  return {
    ...redactor,
    text: remember(redactor.text),
    header(name, value) {
      let redact = headers.get(name);
      if (redact === undefined) {
        redact = remember((text) => redactor.header(name, text));
        // The names are those of the policy, so they need no bound.
        headers.set(name, redact);
      }
      return redact(value);
    },
  };
}

function remember(redact: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    if (text.length < MIN_LENGTH || text.length > MAX_LENGTH) return redact(text);
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const redacted = redact(text);
    // Emptied when full, so that invented texts fill no memory.
    if (known.size >= MAX_TEXTS) known.clear();
    known.set(text, redacted);
    return redacted;
  };
}
