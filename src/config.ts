/** The configuration: environment and file become one frozen `AuditConfig`, or one error that lists every fault. */

import type { PolicyRule } from './policy-rule.js';

export type AuditMode = 'auto' | 'standalone' | 'attach' | 'library';
export type SpanBodies = 'auto' | 'on' | 'off';

/** Plain data only: it is structured-cloned into the delivery worker. */
export interface AuditConfig {
  readonly enabled: boolean;
  readonly mode: AuditMode;
  readonly service: { readonly name: string; readonly version?: string | undefined };
  /** Built-in names (`postgres` `azure` `file` `console`) or module paths, in order, without duplicates. */
  readonly exporters: readonly string[];
  readonly postgres: { readonly url?: string | undefined };
  readonly azure: { readonly connectionString?: string | undefined };
  readonly file: { readonly directory: string };
  /** By exporter name: what the configuration file says under `exporters`. For modules only. */
  readonly exporterSettings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly journal: {
    /** Absolute path. Undefined: a folder of this user and these destinations below the temporary one. */
    readonly directory?: string | undefined;
    /** Bytes a stream may hold before the oldest delivered segments must go or records are dropped. */
    readonly maxBytes: number;
    readonly write: 'tick' | 'async';
  };
  readonly delivery: { readonly worker: boolean; readonly shutdownTimeoutMs: number };
  readonly capture: {
    readonly requestBody: boolean;
    readonly responseBody: boolean;
    readonly maxBodyBytes: number;
    readonly spanBodies: SpanBodies;
    /** Lower case; undefined: no echo. */
    readonly requestIdHeader?: string | undefined;
  };
  readonly redaction: { readonly fields: readonly string[] };
  readonly identity: {
    readonly logAnonymous: boolean;
    /** From what the token says to what the record says. */
    readonly actorTypeAliases: Readonly<Record<string, string>>;
    /** Lower case. Set by the caller; unverified unless a gateway strips it. */
    readonly tenantHeader?: string | undefined;
  };
  readonly policy: { readonly rules: readonly PolicyRule[]; readonly excludePaths: readonly string[] };
  /** What is odd but no fault; said once at start. */
  readonly warnings: readonly string[];
}
