/** The sizes and times of delivery in one place, so that tests can be quick. */

export interface BatchLimits {
  readonly count: number;
  readonly bytes: number;
  /** How long the first record of a batch may wait for company. */
  readonly lingerMs: number;
  /** How often a stream in which nothing happens is looked at, whether its cursor is still there and says what it should. */
  readonly cursorCheckMs: number;
}

export interface DeliveryTiming extends BatchLimits {
  /** When the signal of an `export` call aborts. */
  readonly exportDeadlineMs: number;
  /** How long after that the call may still take to return. */
  readonly graceMs: number;
  /** How often an idle deliverer looks for new records: a read of shared memory. */
  readonly pollMs: number;
  /** Jitter, and which record is to witness; for tests. */
  readonly random: () => number;
}

export const DEFAULT_TIMING: DeliveryTiming = {
  count: 1000,
  bytes: 3 * 1024 * 1024,
  // A quarter of the promised second: four batches a second cost a sink nothing, and the trail is nearly live.
  lingerMs: 250,
  cursorCheckMs: 30_000,
  exportDeadlineMs: 10_000,
  graceMs: 5000,
  pollMs: 100,
  random: Math.random,
};
