/** Records of the audit's own life, so that silence and a changed configuration show in the trail itself. */

import { v7 as uuidv7 } from 'uuid';
import { isoTime } from './clock.js';
import type { CaptureCounters, ExporterCounters } from './health.js';
import { type AuditRecord, type AuditService, type JsonObject, type Outcome, SCHEMA_VERSION, SYSTEM } from './record.js';
import { boundRecord } from './record-bounds.js';

/**
 * `start`: the first record of a stream. `stop`: the last; without it the process was killed, and the next one says so.
 * `heartbeat`: it still records, or there was nothing to.
 * `checkpoint`: all before it is signed. `policy.rejected`: a new policy is broken, the old one stays.
 */
export type LifecycleAction =
  | 'audit.start'
  | 'audit.stop'
  | 'audit.heartbeat'
  | 'audit.checkpoint'
  | 'audit.policy.changed'
  | 'audit.policy.rejected';

export function createLifecycleRecord(
  action: LifecycleAction,
  metadata: JsonObject,
  service: AuditService,
  outcome: Outcome = 'success',
): AuditRecord {
  const now = isoTime(Date.now());
  return boundRecord({
    id: uuidv7(),
    schemaVersion: SCHEMA_VERSION,
    kind: 'lifecycle',
    time: now,
    observedTime: now,
    action,
    outcome,
    actor: SYSTEM,
    service,
    metadata,
  });
}

/** The accounting as it stands before the record that carries it. */
export function accountOf(capture: Readonly<CaptureCounters>, exporters: Readonly<Record<string, ExporterCounters>>): JsonObject {
  const { seen, excluded, sampledOut, skipped, open, pending, journalled, dropped, unconfirmed, refused, withheld } = capture;
  const delivery = Object.entries(exporters).map(([name, { delivered, undelivered, deadLettered }]) => [
    name,
    { delivered, undelivered, deadLettered },
  ]);
  return {
    seen,
    excluded: { ...excluded },
    sampledOut,
    skipped,
    open,
    pending,
    journalled,
    dropped: { ...dropped },
    unconfirmed,
    refused,
    withheld,
    exporters: Object.fromEntries(delivery) as JsonObject,
  };
}

export interface Lifecycle {
  start(): void;
  /** Starts the heartbeats; later calls do nothing. */
  beat(): void;
  policyChanged(previousHash: string, rules: number): void;
  policyRejected(faults: readonly string[]): void;
  stop(reason: string): void;
  /** Told of every record, its own ones too: something after a stop makes another stop. */
  noticed(record: AuditRecord): void;
  /** Nothing is recorded any more. */
  end(): void;
}

export interface LifecycleParts {
  readonly service: AuditService;
  readonly start: JsonObject;
  /** 0: none. */
  readonly heartbeatMs: number;
  readonly policyHash: () => string;
  readonly account: () => JsonObject;
  /** Before the first record there is no trail to say anything in. */
  readonly isOpen: () => boolean;
  readonly record: (record: AuditRecord) => void;
}

export function createLifecycle(parts: LifecycleParts): Lifecycle {
  let heartbeats: NodeJS.Timeout | undefined;
  let hasEnded = false;
  let hasStopped = false;
  const say = (action: LifecycleAction, metadata: JsonObject, outcome?: Outcome): void => {
    if (!hasEnded && parts.isOpen()) parts.record(createLifecycleRecord(action, metadata, parts.service, outcome));
  };
  return {
    start: () => say('audit.start', { ...parts.start, policyHash: parts.policyHash() }),
    beat() {
      if (parts.heartbeatMs === 0 || hasEnded) return;
      heartbeats ??= setInterval(
        () => say('audit.heartbeat', { policyHash: parts.policyHash(), ...parts.account() }),
        parts.heartbeatMs,
      ).unref();
    },
    policyChanged: (previousPolicyHash, rules) =>
      say('audit.policy.changed', { policyHash: parts.policyHash(), previousPolicyHash, rules }),
    policyRejected: (faults) => say('audit.policy.rejected', { policyHash: parts.policyHash(), faults: faults.slice(0, 20) }, 'failure'),
    stop(reason) {
      if (!hasStopped) say('audit.stop', { reason, policyHash: parts.policyHash(), ...parts.account() });
    },
    noticed(record) {
      // A stop is signed after it was said.
      if (record.kind === 'lifecycle' && record.action === 'audit.checkpoint') return;
      hasStopped = record.kind === 'lifecycle' && record.action === 'audit.stop';
    },
    end() {
      hasEnded = true;
      clearInterval(heartbeats);
    },
  };
}
