/** The keys of encrypted journals and trails, for commands that read them where nothing else is configured. */

import { parseSettings } from '../config-settings.js';
import { readSources } from '../config-sources.js';
import { AuditConfigError } from '../errors.js';
import { useJournalKeys } from '../journal/keyring.js';

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG if `AUDIT_JOURNAL_KEY` is no key */
export function useEnvironmentKeys(): void {
  const { raw } = readSources({ env: process.env, directory: process.cwd() });
  const { settings, faults } = parseSettings(raw['JOURNAL_KEY'] === undefined ? {} : { JOURNAL_KEY: raw['JOURNAL_KEY'] });
  if (faults.length > 0) throw new AuditConfigError(faults);
  useJournalKeys(settings.JOURNAL_KEY);
}
