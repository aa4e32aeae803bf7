/** Asks a sink whether it is there and what it will hold, without writing to it. */

export interface Probe {
  readonly reachable: boolean;
  /** What was found, a sentence each; names no secret. */
  readonly findings: readonly string[];
}
