/** What is wrong with the settings of redaction, in the names under which they were set. */

import type { AuditConfig } from './config.js';
import { redactionOptionFaults } from './redaction/index.js';

export function redactionFaults({ redaction }: AuditConfig): readonly string[] {
  return redactionOptionFaults(redaction).map((fault) =>
    fault.startsWith('hashKey: ')
      ? `AUDIT_HASH_KEY: ${fault.slice('hashKey: '.length)}`
      : `AUDIT_CONFIG_FILE redaction.${fault.replace('hash needs hashKey', 'hash needs AUDIT_HASH_KEY')}`,
  );
}
