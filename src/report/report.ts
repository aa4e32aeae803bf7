/** What an auditor is handed, as data: counts of one trail over some time, and whether the trail is what was recorded. */

import type { AuditConfig } from '../config.js';
import { type Verification, type VerifyOptions, verifyTrail } from '../integrity/verify.js';
import type { Trail } from '../trail/trail.js';
import { CONTROLS, type Control } from './controls.js';
import { createTally, type Tally } from './tally.js';

export interface Report {
  readonly generatedAt: string;
  /** Of otel-audit. */
  readonly version: string;
  readonly trail: string;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly tally: Tally;
  readonly verification: Verification;
  /** No finding; what cannot be proved is another matter. */
  readonly isConsistent: boolean;
  /** As configured where the report was made; undefined: nothing was configured there. */
  readonly policy: readonly PolicyRow[] | undefined;
  readonly controls: readonly Control[];
}

export interface PolicyRow {
  readonly name: string;
  readonly method: string;
  readonly place: string;
  readonly level: string;
}

export interface ReportOptions extends Pick<VerifyOptions, 'keys' | 'copies' | 'nowMs' | 'onProgress'> {
  readonly trail: Trail;
  readonly version: string;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly policy?: readonly PolicyRow[] | undefined;
  readonly heartbeatMs?: AuditConfig['lifecycle']['heartbeatMs'] | undefined;
}

/** Reads the trail once: what is counted is what is verified. */
export async function makeReport(options: ReportOptions): Promise<Report> {
  const { trail, since, until, nowMs, version, policy, heartbeatMs } = options;
  const tally = createTally({ since, until, ...(heartbeatMs === undefined || heartbeatMs === 0 ? {} : { heartbeatMs }) });
  const counted: Trail = {
    ...trail,
    async *entries(from) {
      for await (const batch of trail.fullEntries(from)) {
        for (const { record } of batch) if (record !== undefined) tally.add(record);
        yield batch;
      }
    },
  };
  const verification = await verifyTrail({ ...options, trail: counted });
  return {
    generatedAt: new Date(nowMs).toISOString(),
    version,
    trail: trail.name,
    since,
    until,
    tally: tally.finish(),
    verification,
    isConsistent: verification.findings.length + verification.leftOut === 0,
    policy,
    controls: CONTROLS,
  };
}
