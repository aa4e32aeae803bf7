/** Finds base64 and hexadecimal runs whose content would have to be redacted; such a run goes as a whole. */

import type { Engine } from './engine.js';
import type { Range } from './tokens.js';

export function findEncoded(text: string, engine: Engine, depth: number, cut: boolean, ranges: Range[]): void {
  for (const run of text.matchAll(RUN)) {
    const decoded = decode(run[0]);
    if (decoded === undefined) continue;
    const atEnd = cut && run.index + run[0].length === text.length;
    if (engine.string(decoded, depth + 1, atEnd) !== decoded) ranges.push([run.index, run.index + run[0].length]);
  }
}

const RUN = /[A-Za-z0-9+/_-]{16,}={0,2}/g;

/** Text, or undefined; most runs are refused by their first bytes. */
function decode(run: string): string | undefined {
  if (HEX.test(run)) return textOf(Buffer.from(run, 'hex'));
  // A path or a prefix may precede it without a break.
  const json = run.indexOf('eyJ');
  const encoded = json > 0 ? run.slice(json) : run;
  return PRINTABLE.test(Buffer.from(encoded.slice(0, 8), 'base64').toString('latin1')) ? textOf(Buffer.from(encoded, 'base64')) : undefined;
}

function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return TEXT.test(text) ? text : undefined;
}

const HEX = /^(?:[2-7][0-9a-f]|0[9ad]){8,}$/i;
const PRINTABLE = /^[\t\n\r\x20-\x7e]*$/;
// The last characters may be half a character, cut or padded.
const TEXT = /^[\t\n\r\x20-\x7e\u00a0-\ufffc]*\ufffd{0,3}$/;
