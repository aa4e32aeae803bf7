/** What is wrong with the settings of redaction, in the names under which they were set. */

import type { AuditConfig } from './config.js';
import { moduleUrl } from './module-url.js';
import { redactionOptionFaults } from './redaction/index.js';

export function redactionFaults({ redaction, redactionModule, identity, keys }: AuditConfig): readonly string[] {
  const faults = redactionOptionFaults({ ...redaction, hashKey: keys.hash }).map((fault) =>
    fault.startsWith('hashKey: ')
      ? `AUDIT_HASH_KEY: ${fault.slice('hashKey: '.length)}`
      : `AUDIT_CONFIG_FILE redaction.${fault.replace('hash needs hashKey', 'hash needs AUDIT_HASH_KEY')}`,
  );
  if (redactionModule === undefined || moduleUrl(redactionModule, identity.directory) !== undefined) return faults;
  return [...faults, 'AUDIT_CONFIG_FILE redaction.functions: there is no such module, seen from the working directory'];
}
