/** The relay of one thread: reads rows there, makes their records there, and lets the main thread put them into the journal. */

import type { AuditConfig } from '../config.js';
import type { AuditRecord, AuditService } from '../record.js';
import { createConfiguredRedactor } from '../redaction-functions.js';
import { changeRecordOf } from './change-record.js';
import { type Relay, startRelay } from './relay.js';

export interface RelayAgentOptions {
  readonly config: AuditConfig;
  /** `destination` of the relay's cursor. */
  readonly destination: string;
  readonly service: AuditService;
  /** True once the records are on the disk. */
  readonly store: (records: readonly AuditRecord[]) => Promise<boolean>;
  readonly warn: (key: string, message: string) => void;
}

/** Undefined where nothing is to be relayed. */
export function startRelayAgent({ config, destination, service, store, warn }: RelayAgentOptions): Relay | undefined {
  const { isEnabled, url } = config.changes;
  if (!isEnabled || url === undefined) return undefined;
  const redactor = createConfiguredRedactor(config, (message) => warn('redaction', message));
  return startRelay({
    url,
    destination,
    holder: service.instanceId ?? '',
    warn,
    store: (rows, installation) => store(rows.map((row) => changeRecordOf(row, { installation, service, redact: redactor.value }))),
  });
}
