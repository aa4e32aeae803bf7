/** What the commands share: where they write, and what the environment configures. */

import type { DatabaseAccess } from '../../exporters/postgres/connection.js';
import type { AuditConfig } from '../config.js';

export interface CommandContext {
  /** Of a database: the one named, with what is configured for databases, or the configured one. */
  readonly access: (url?: string) => DatabaseAccess;
  readonly write: (text: string) => void;
  /** @throws {AuditConfigError} ERR_AUDIT_CONFIG if the environment or the file is wrong */
  readonly config: () => AuditConfig;
  /** Of the environment alone, whatever else it says: what is verified need not be configured. */
  readonly signingKey: () => string | undefined;
  /** From here on encrypted lines are opened with the keys of the environment, whatever else it says. */
  readonly useKeys: () => void;
  /** The same of the directory of subject keys, an absolute path. */
  readonly subjectKeys: () => string | undefined;
}
