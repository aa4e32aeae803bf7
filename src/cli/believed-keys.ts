/** Whose signatures a command believes: the keys in a file, else the one that this machine signs with. */

import { readFileSync } from 'node:fs';
import { AuditError, messageOf } from '../errors.js';
import { type KeyRing, NO_KEYS, readKeyRing, ringOfKey } from '../integrity/key-ring.js';
import { parseSigningKey } from '../integrity/signing-key.js';
import type { CommandContext } from './context.js';

/** @throws {AuditError} ERR_AUDIT_TRAIL if the file cannot be used */
export function believedKeys(file: string | undefined, context: CommandContext): KeyRing {
  return file === undefined ? configuredKeys(context) : readKeys(file);
}

function readKeys(file: string): KeyRing {
  try {
    return readKeyRing(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_TRAIL', `the keys in ${file} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function configuredKeys(context: CommandContext): KeyRing {
  const signing = context.signingKey();
  const key = signing === undefined ? undefined : parseSigningKey(signing);
  return key === undefined ? NO_KEYS : ringOfKey(key);
}
