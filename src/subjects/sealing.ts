/** Encrypts what is personal in a record with its actor's key, after redaction and before anything else sees it. Fails closed. */

import type { AuditRecord } from '../record.js';
import { isPersonal, type Rewriting, rewritePersonal } from './personal-members.js';
import { sealText } from './sealed-text.js';
import { createSubjectKeys, type SubjectKey } from './subject-keys.js';

/** Never throws. `onWithheld`: no key could be had, so what is personal is not in the record. */
export function createSealing(directory: string, onWithheld: (error: unknown) => void): (record: AuditRecord) => AuditRecord {
  const keyOf = createSubjectKeys(directory);
  return (record) => {
    if (!isPersonal(record)) return record;
    try {
      return rewritePersonal(record, sealingWith(keyOf(record.actor.id), record.id));
    } catch (error) {
      onWithheld(error);
      return rewritePersonal(record, WITHHOLDING);
    }
  };
}

function sealingWith(key: SubjectKey, recordId: string): Rewriting {
  const seal = (member: string, text: string): string => sealText(text, key, recordId, member);
  return {
    name: seal,
    // With its format, which is that of the text outside from now on.
    body: (member, body, format) => ({ body: seal(member, `${format ?? 'text'}:${body}`), bodyFormat: 'text' }),
    // Of the form of a row, so that every reader of changes can still read them.
    row: (member, row) => ({ sealed: seal(member, JSON.stringify(row)) }),
  };
}

const WITHHOLDING: Rewriting = {
  name: () => undefined,
  body: () => ({ body: undefined, bodyFormat: undefined, bodyOmitted: 'key' }),
  row: () => undefined,
};
