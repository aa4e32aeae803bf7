/** Redacts multipart bodies part by part: fields by their names, files never shown. */

import { type ContentType, familyOf, parameter, parseContentType } from './content-type.js';
import { type Engine, MAX_DEPTH } from './engine.js';
import { decodeComponent, redactForm } from './form.js';
import { redactJson } from './json.js';
import { ACTION_SHIFT, SENSITIVE } from './keys.js';
import { MASK } from './redactor.js';
import { redactXml } from './xml.js';

/** Undefined: there are no parts to be found. */
export function redactMultipart(text: string, type: ContentType, engine: Engine, depth: number, cut: boolean): string | undefined {
  const boundary = type.boundary ?? /^(?:\r?\n)?--([^\r\n]+)/.exec(text)?.[1];
  if (boundary === undefined || boundary === '') return undefined;
  const delimiter = `--${boundary}`;
  const pieces = splitAtDelimiters(text, delimiter);
  if (pieces.length < 2) return undefined;
  const written: string[] = [];
  pieces.forEach((piece, index) => {
    const last = index === pieces.length - 1;
    if (index === 0) written.push(piece.trim() === '' ? piece : `${MASK}\r\n`);
    else if (piece.startsWith('--')) written.push(piece.slice(2).trim() === '' ? piece : `--\r\n${MASK}`);
    else written.push(redactPart(piece, engine, depth, cut && last));
  });
  return written.join(delimiter);
}

/** A delimiter counts only where a line begins. */
function splitAtDelimiters(text: string, delimiter: string): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  let at = text.indexOf(delimiter);
  while (at !== -1) {
    if (at === 0 || text[at - 1] === '\n') {
      pieces.push(text.slice(from, at));
      from = at + delimiter.length;
    }
    at = text.indexOf(delimiter, at + delimiter.length);
  }
  pieces.push(text.slice(from));
  return pieces;
}

function redactPart(piece: string, engine: Engine, depth: number, cut: boolean): string {
  const blank = /\r?\n\r?\n/.exec(piece);
  // Cut within the headers: they may hold a file's name at most, but nothing says so.
  if (blank === null) return cut ? '' : `\r\n${MASK}\r\n`;
  const headers = piece.slice(0, blank.index + blank[0].length);
  const rest = piece.slice(headers.length);
  const ending = cut ? '' : (/\r?\n$/.exec(rest)?.[0] ?? '');
  const content = rest.slice(0, rest.length - ending.length);
  return engine.string(headers, depth, false) + redactContent(headers, content, engine, depth, cut) + ending;
}

function redactContent(headers: string, content: string, engine: Engine, depth: number, cut: boolean): string {
  const lines = headers.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  const disposition = headerOf(lines, 'content-disposition');
  const type = parseContentType(headerOf(lines, 'content-type'));
  const family = familyOf(type.essence);
  const transfer = headerOf(lines, 'content-transfer-encoding')?.toLowerCase() ?? '';
  if (content === '' && !cut) return content;
  if (isFile(disposition) || family === 'binary' || !PLAIN_TRANSFER.has(transfer)) return fileMark(content, cut);
  const name = nameOf(disposition);
  const verdict = name === undefined ? 0 : engine.keys.verdict(name);
  if ((verdict & SENSITIVE) !== 0) return engine.replace(verdict >> ACTION_SHIFT, content, true) ?? MASK;
  if (depth >= MAX_DEPTH) return MASK;
  if (family === 'multipart') return redactMultipart(content, type, engine, depth + 1, cut) ?? MASK;
  if (family === 'json') return redactJson(content, engine, depth + 1, cut)?.text ?? MASK;
  if (family === 'form') return redactForm(content, engine, depth + 1, cut);
  if (family === 'xml') return redactXml(content, engine, depth + 1, cut);
  return engine.string(content, depth, cut);
}

const PLAIN_TRANSFER: ReadonlySet<string> = new Set(['', '7bit', '8bit', 'binary']);

function headerOf(lines: readonly string[], name: string): string | undefined {
  const line = lines.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

function isFile(disposition: string | undefined): boolean {
  return disposition !== undefined && /;\s*filename\*?\s*=/i.test(disposition);
}

function nameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined) return undefined;
  const extended = parameter(disposition, 'name\\*');
  if (extended !== undefined) return decodeComponent(extended.replace(/^[^']*'[^']*'/, ''), false);
  const plain = parameter(disposition, 'name');
  return plain === undefined ? undefined : decodeComponent(plain, false);
}

/** The size tells which file it was to whoever has it. */
function fileMark(content: string, cut: boolean): string {
  if (/^\[FILE(?: \d+ (?:characters|bytes))?\]$/.test(content)) return content;
  return cut ? '[FILE]' : `[FILE ${content.length} characters]`;
}
