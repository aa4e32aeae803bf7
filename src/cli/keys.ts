/** `otel-audit keys`: makes signing keys, and keeps the ledger that says which were valid when. */

import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { AuditError, messageOf } from '../errors.js';
import { type LedgerEntry, ledgerEntry, readKeyRing, readLedger } from '../integrity/key-ring.js';
import { parseSigningKey, type SigningKey } from '../integrity/signing-key.js';
import type { CommandContext } from './context.js';

export function addKeys(program: Command, { write }: CommandContext): void {
  const keys = program.command('keys').description('signing keys, and the ledger of those that were valid');

  keys
    .command('new')
    .description('make a signing key; set AUDIT_SIGNING_KEY_FILE to the file')
    .argument('<file>', 'gets the private key')
    .option('--ledger <file>', 'gets the public key; made if it is not there')
    .option('--endorse <file>', 'the private key of one that is valid in the ledger')
    .action((file: string, { ledger, endorse }: { readonly ledger?: string; readonly endorse?: string }) => {
      const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
      const key = keyOf(pem, file);
      const signer = endorse === undefined ? key : readKey(endorse);
      const added = { type: 'added', keyId: key.id, publicKey: key.publicKey, time: new Date().toISOString() } as const;
      const line = ledger === undefined ? undefined : nextLine(ledger, ledgerEntry(added, signer));
      writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
      if (ledger !== undefined && line !== undefined) appendFileSync(ledger, line);
      write(`key ${key.id}\npublic key ${key.publicKey}\n`);
    });

  keys
    .command('retire')
    .description('say in the ledger that a key is valid no longer')
    .argument('<id>', "the key's id")
    .requiredOption('--ledger <file>')
    .requiredOption('--endorse <file>', 'the private key of one that is valid in the ledger, or of itself')
    .action((id: string, { ledger, endorse }: { readonly ledger: string; readonly endorse: string }) => {
      const retired = { type: 'retired', keyId: id, time: new Date().toISOString() } as const;
      appendFileSync(ledger, nextLine(ledger, ledgerEntry(retired, readKey(endorse))));
      write(`key ${id} is retired from ${retired.time} on\n`);
    });

  keys
    .command('list')
    .description('the keys of a ledger, after checking every line of it')
    .argument('<ledger>')
    .action((ledger: string) => {
      checked(ledger, readText(ledger));
      for (const { time, type, keyId, by } of readLedger(readText(ledger))) write(`${time}  ${type.padEnd(7)}  ${keyId}  by ${by}\n`);
    });
}

/** The line to append, if the ledger is sound with it. */
function nextLine(ledger: string, entry: LedgerEntry): string {
  const line = `${JSON.stringify(entry)}\n`;
  checked(ledger, readText(ledger, '') + line);
  return line;
}

function checked(ledger: string, text: string): void {
  try {
    readKeyRing(text);
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_TRAIL', `the ledger ${ledger} would not hold: ${messageOf(cause)}`, { cause });
  }
}

function readKey(file: string): SigningKey {
  return keyOf(readText(file), file);
}

function keyOf(text: string, file: string): SigningKey {
  const key = parseSigningKey(text);
  if (key === undefined) throw new AuditError('ERR_AUDIT_TRAIL', `${file} holds no Ed25519 private key`);
  return key;
}

function readText(file: string, absent?: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (absent !== undefined && (cause as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw new AuditError('ERR_AUDIT_TRAIL', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}
