/** Redacts a captured body: by what its content type says and by what it looks like, whichever finds more. */

import { decodeText } from './charset.js';
import { type ContentType, familyOf, parseContentType } from './content-type.js';
import { looksLikeCsv, redactCsv } from './csv.js';
import type { Engine } from './engine.js';
import { redactForm } from './form.js';
import { looksLikeGraphql, redactGraphql } from './graphql.js';
import { redactJson } from './json.js';
import { sanitizeText } from './json-string.js';
import { redactMultipart } from './multipart.js';
import type { CapturedBody, RedactedBody } from './redactor.js';
import { looksLikeXml, redactXml } from './xml.js';

export function redactBody(body: CapturedBody, engine: Engine): RedactedBody {
  if (body.bytes.length === 0) return { text: '', format: 'text', truncated: body.truncated };
  const type = parseContentType(body.contentType);
  const family = familyOf(type.essence);
  if (family === 'binary') return BINARY;
  const decoded = decodeText(body.bytes, type.charset, body.truncated);
  if (decoded === undefined) return UNPARSABLE;
  const { text, ascii } = decoded;
  if (family === 'multipart') return ofText(redactMultipart(text, type, engine, 0, body.truncated), body.truncated);
  if (family === 'json' || JSON_START.test(text)) {
    const json = redactJson(text, engine, 0, body.truncated, ascii);
    if (json !== undefined) return { text: json.text, format: json.values === 1 ? 'json' : 'text', truncated: body.truncated || json.cut };
    if (family === 'json' || QUOTED_KEY.test(text)) return UNPARSABLE;
  }
  if (isBinary(text)) return BINARY;
  return ofText(redactText(text, family, type, engine, body.truncated), body.truncated);
}

const BINARY: RedactedBody = { omitted: 'binary' };
const UNPARSABLE: RedactedBody = { omitted: 'unparsable' };

const JSON_START = /^\s*[{["]/;
/** Only JSON begins so; what cannot be parsed as it then is not understood. */
const QUOTED_KEY = /^\s*\{\s*"/;

function redactText(text: string, family: string, type: ContentType, engine: Engine, cut: boolean): string | undefined {
  if (family === 'form') return redactForm(text, engine, 0, cut);
  if (family === 'xml' || looksLikeXml(text)) return redactXml(text, engine, 0, cut);
  if (family === 'graphql' || looksLikeGraphql(text)) return redactGraphql(text, engine, 0, cut);
  if (family === 'csv' || looksLikeCsv(text, engine)) return redactCsv(text, engine, 0, cut);
  if (MULTIPART_START.test(text)) return redactMultipart(text, type, engine, 0, cut);
  return engine.string(text, 0, cut);
}

const MULTIPART_START = /^(?:\r?\n)?--[^\r\n]{1,200}\r?\nContent-/i;

function ofText(text: string | undefined, truncated: boolean): RedactedBody {
  return text === undefined ? UNPARSABLE : { text: sanitizeText(text), format: 'text', truncated };
}

/** NUL, or one in twenty of the first characters not to be expected in text. */
function isBinary(text: string): boolean {
  if (text.includes('\0')) return true;
  let odd = 0;
  const length = Math.min(text.length, 1024);
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0xfffd || (code < 32 && code !== 10 && code !== 13 && code !== 9 && code !== 12 && code !== 27)) odd++;
  }
  return odd * 20 > length;
}
