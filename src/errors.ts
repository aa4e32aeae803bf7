/** The errors of the package: one base, stable codes, and never a configured value in a message. */

/** Stable codes; a message may be reworded, its code is not. */
export type AuditErrorCode =
  /** The configuration is wrong; the message lists every fault. */
  | 'ERR_AUDIT_CONFIG'
  /** The journal directory cannot be used (a link, foreign-owned, not writable). */
  | 'ERR_AUDIT_JOURNAL'
  /** An exporter cannot be created or its module does not keep the contract. */
  | 'ERR_AUDIT_EXPORTER'
  /** A trail, a checkpoint file or a ledger of keys cannot be read. */
  | 'ERR_AUDIT_TRAIL'
  /** The directory of subject keys, or a key in it, cannot be used. */
  | 'ERR_AUDIT_KEYS'
  /** Something was asked of a pipeline that has been shut down. */
  | 'ERR_AUDIT_SHUTDOWN';

export class AuditError extends Error {
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'AuditError';
    this.code = code;
  }
}

/** Every fault of a configuration at once. Names settings, never their values. */
export class AuditConfigError extends AuditError {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      'ERR_AUDIT_CONFIG',
      `otel-audit: the configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
    this.name = 'AuditConfigError';
    this.faults = faults;
  }
}

/** The kind of anything thrown, where its text may quote what nobody should read. */
export function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'not an Error';
}

/** The text of anything thrown, for a log line or a record. May hold what the thrower put in: redact before storing. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return String(thrown);
}
