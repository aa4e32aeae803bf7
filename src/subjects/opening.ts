/** Decrypts records for people who have the keys, and says where a key was destroyed. What it answers is no longer what was hashed. */

import type { AuditBody, JournalledRecord, JsonValue } from '../record.js';
import { type Rewriting, rewritePersonal } from './personal-members.js';
import { openText, sealingKeyOf } from './sealed-text.js';
import { findSubjectKey, type SubjectKey } from './subject-keys.js';

const ERASED = '[erased]';
const NO_KEY = '[encrypted: its key is not in AUDIT_SUBJECT_KEYS]';
const ALTERED = '[encrypted: does not fit its key]';

// A reader goes through the records of few persons at a time; the keys of a year need not all be in memory.
const MAX_CACHED = 10_000;

/** What is not encrypted stays as it is. @throws the system's error if a key is there and may not be read */
export function createOpening(directory: string): (record: JournalledRecord) => JournalledRecord {
  const found = new Map<string, ReturnType<typeof findSubjectKey>>();
  const keyOf = (id: string): SubjectKey | 'erased' | 'missing' => {
    const known = found.get(id) ?? findSubjectKey(directory, id);
    if (found.size >= MAX_CACHED) found.clear();
    found.set(id, known);
    return known;
  };
  const opened = (member: string, text: string): { readonly text: string } | { readonly instead: string } => {
    const id = sealingKeyOf(text);
    if (id === undefined) return { instead: text };
    const key = keyOf(id);
    if (key === 'erased') return { instead: ERASED };
    if (key === 'missing') return { instead: NO_KEY };
    const plain = openText(text, key, member);
    return plain === undefined ? { instead: ALTERED } : { text: plain };
  };
  const opening: Rewriting = {
    name(member, name) {
      const result = opened(member, name);
      return 'text' in result ? result.text : result.instead;
    },
    body(member, body, bodyFormat) {
      const result = opened(member, body);
      if (!('text' in result)) return { body: result.instead, bodyFormat };
      const colon = result.text.indexOf(':');
      return { body: result.text.slice(colon + 1), bodyFormat: result.text.slice(0, colon) as AuditBody['bodyFormat'] };
    },
    row(member, row) {
      const sealed = sealedOf(row);
      if (sealed === undefined) return row;
      const result = opened(member, sealed);
      return 'text' in result ? (JSON.parse(result.text) as JsonValue) : { sealed: result.instead };
    },
  };
  return (record) => rewritePersonal(record, opening);
}

function sealedOf(row: JsonValue): string | undefined {
  const sealed = typeof row === 'object' && row !== null && 'sealed' in row ? row.sealed : undefined;
  return typeof sealed === 'string' && sealingKeyOf(sealed) !== undefined ? sealed : undefined;
}
