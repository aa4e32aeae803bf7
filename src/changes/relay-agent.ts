/** The relay of one thread: reads rows there, makes their records there, and lets the main thread put them into the journal. */

import type { AuditConfig } from '../config.js';
import type { AuditRecord, AuditService } from '../record.js';
import { createConfiguredRedactor } from '../redaction-functions.js';
import { changeRecordOf } from './change-record.js';
import { type Relay, type RelayConnection, startRelay } from './relay.js';

export interface RelayAgentOptions {
  readonly config: AuditConfig;
  /** `destination` of the relay's cursor. */
  readonly destination: string;
  readonly service: AuditService;
  readonly connect: (
    access: { readonly url: string; readonly ca?: string | undefined },
    options: { readonly statementTimeoutMs: number },
  ) => Promise<RelayConnection>;
  /** True once the records are on the disk. */
  readonly store: (records: readonly AuditRecord[]) => Promise<boolean>;
  readonly warn: (key: string, message: string) => void;
}

const STATEMENT_MS = 10_000;

/** Undefined where nothing is to be relayed. */
export function startRelayAgent({ config, destination, service, connect, store, warn }: RelayAgentOptions): Relay | undefined {
  const { isEnabled, url } = config.changes;
  if (!isEnabled || url === undefined) return undefined;
  const redactor = createConfiguredRedactor(config, (message) => warn('redaction', message));
  return startRelay({
    connect: () => connect({ url, ca: config.postgres.ca }, { statementTimeoutMs: STATEMENT_MS }),
    destination,
    holder: service.instanceId ?? '',
    warn,
    store: ({ rows, ...batch }) => store(rows.map((row) => changeRecordOf(row, { ...batch, service, redact: redactor.value }))),
  });
}
