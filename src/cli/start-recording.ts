/** Starts the audit for what a command itself records: as the service's environment says, and nothing besides that is the service's. */

import { type AuditHandle, type StartOptions, startAudit } from '../library.js';

/** @throws {AuditConfigError} ERR_AUDIT_CONFIG as `startAudit` */
export function startRecording(options: Pick<StartOptions, 'exporters'> = {}): AuditHandle {
  // The service relays its row changes and answers on its port of metrics; a command beside it must do neither.
  return startAudit({ ...options, settings: { CAPTURE_ORM_DIFFS: false, PROMETHEUS: undefined } });
}
