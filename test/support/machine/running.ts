/** A process that records or delivers, as the pipeline and `otel-audit deliver` put it together. */

import { readdirSync } from 'node:fs';
import { startDelivery } from '../../../src/delivery/delivery.js';
import type { Delivery } from '../../../src/delivery/delivery-contract.js';
import { leaveToOthers } from '../../../src/delivery/external.js';
import type { HostLease } from '../../../src/delivery/host-lease.js';
import { EXTERNAL } from '../../../src/journal/destinations.js';
import { createJournal } from '../../../src/journal/journal.js';
import type { Journal } from '../../../src/journal/journal-contract.js';
import type { StreamManifest } from '../../../src/journal/manifest.js';
import { makeConfig } from '../config.js';
import type { SimulatedProcess } from './process.js';
import type { WorldScenario } from './scenario.js';
import type { Sink } from './sink.js';

/** One that records or delivers, and what it is. */
export interface Running {
  readonly process: SimulatedProcess;
  readonly journal: Journal;
  readonly delivery: Delivery;
  readonly lease: HostLease | undefined;
  readonly kind: 'service' | 'host';
  /** By sequence number, from 1. */
  readonly accepted: string[];
  /** Records up to here survive a power cut. */
  durableSeq: number;
  /** Records up to here were in the file when it died or was stopped; undefined while it lives. */
  lastSeq: number | undefined;
  wasStopped: boolean;
  /** The segment that was last deleted under it. */
  lostPath: string | undefined;
}

export interface RunningOptions {
  readonly process: SimulatedProcess;
  readonly kind: Running['kind'];
  readonly lease: HostLease | undefined;
  readonly directory: string;
  readonly scenario: WorldScenario;
  readonly sinks: readonly Sink[];
  readonly onWarning: (text: string) => void;
  readonly onUncleanStream: (stream: string) => void;
}

const QUICK = { lingerMs: 0, pollMs: 1, cursorCheckMs: 20 };
// 3 KB: two records or three.
const SEGMENT_BYTES = 3000;

/** To be called as part of the process. */
export function openRunning({ process, kind, lease, directory, scenario, sinks, onWarning, onUncleanStream }: RunningOptions): Running {
  const { mode, write, count } = scenario;
  const { machine } = process;
  const isLeft = mode === 'left' && kind === 'service';
  const manifest: StreamManifest = {
    service: kind === 'host' ? 'otel-audit deliver' : 'orders',
    destinations: isLeft ? EXTERNAL : 'nowhere',
    exporters: isLeft ? undefined : sinks.map(({ name }) => name),
    servesAll: kind === 'host',
  };
  const journal = createJournal({
    directory,
    manifest,
    maxBytes: 1e9,
    keep: mode === 'kept' && kind === 'service',
    trail: { compression: 'gzip', retainDays: 1 },
    write,
    segmentBytes: SEGMENT_BYTES,
    syncIntervalMs: 3,
    clock: { nowMs: () => machine.nowMs, monotonicMs: () => machine.monotonicMs },
    onWarning,
  });
  const delivery = isLeft
    ? leaveToOthers({ journal, onWarning })
    : startDelivery({
        config: makeConfig({ delivery: { worker: 'off', shutdownTimeoutMs: 5000, confirmTimeoutMs: 1000 } }),
        journal,
        manifest,
        exporters: sinks.map((sink) => sink.exporterOf(process)),
        env: {},
        adoptIntervalMs: 5,
        timing: { ...QUICK, count },
        onWarning,
        onUncleanStream: ({ stream }) => onUncleanStream(stream),
      });
  return {
    process,
    journal,
    delivery,
    lease,
    kind,
    accepted: [],
    durableSeq: 0,
    lastSeq: undefined,
    wasStopped: false,
    lostPath: undefined,
  };
}

/** Names of a stream's segments, compressed or not, in order; none if it is gone. */
export function segmentsOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.jsonl(?:\.gz)?$/.test(name))
      .sort();
  } catch {
    return [];
  }
}
