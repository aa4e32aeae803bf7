/** What row changes have to do with the requests and jobs they are made in: the context for connections, and what ORM adapters saw. */

import { v7 as uuidv7 } from 'uuid';
import type { Capture } from './capture/capture.js';
import type { Exchange } from './capture/exchange.js';
import type { Job } from './capture/job.js';
import type { Carrier, ContextMode } from './changes/carrier.js';
import { encodeContext } from './changes/change-context.js';
import { createDatabaseStates } from './changes/database-state.js';
import { isoTime } from './clock.js';
import { type ChangeCounters, countBy } from './health.js';
import { contextOf } from './job-record.js';
import { type AuditRecord, type AuditService, type JsonObject, SCHEMA_VERSION, SYSTEM } from './record.js';
import { boundRecord } from './record-bounds.js';
import type { Redactor } from './redaction/redactor.js';

// A record has no room for more; the others become records of their own, as those that come after the request's end.
const MAX_OWN = 200;

export interface ChangeLink {
  readonly carrier: Carrier;
  /**
   * Takes what an ORM adapter saw as it began; call the answer when it is committed, and not at all when it is rolled back.
   * Into the record of the request or job, or a record of its own where there is none any more.
   */
  seen(changes: readonly JsonObject[]): () => void;
  readonly counters: ChangeCounters;
}

export interface ChangeLinkParts {
  readonly capture: Capture;
  readonly service: AuditService;
  readonly redactor: Redactor;
  readonly mode: ContextMode;
  readonly warn: (message: string) => void;
  readonly record: (record: AuditRecord) => void;
  /** False: the actor's e-mail stays out of the service's own database, where no key of theirs covers it. */
  readonly namesActor: boolean;
}

export function createChangeLink({ capture, service, redactor, mode, warn, record, namesActor }: ChangeLinkParts): ChangeLink {
  const counters: ChangeCounters = { withoutContext: {} };
  const paths = new WeakMap<Exchange, string>();

  const pathOf = (exchange: Exchange): string => {
    const known = paths.get(exchange);
    if (known !== undefined) return known;
    const path = redactor.path(exchange.rawUrl.split('?', 1)[0] ?? '');
    paths.set(exchange, path);
    return path;
  };

  const scopeNow = (): { readonly scope: Exchange | Job | undefined; readonly exchange: Exchange | undefined } => {
    const exchange = capture.current();
    return { scope: capture.currentJob() ?? exchange, exchange };
  };

  const contextNow = (): string => {
    const { scope, exchange } = scopeNow();
    if (scope === undefined) return '';
    const { actor = SYSTEM, tenant, request, refersTo, trace } = contextOf(capture);
    return encodeContext({
      id: refersTo ?? scope.id,
      service: service.name,
      requestId: request?.id ?? scope.id,
      actor: namesActor ? actor : { ...actor, email: undefined },
      tenant,
      method: exchange?.request.method,
      path: exchange && pathOf(exchange),
      trace,
    });
  };

  const recordOfChanges = (changes: readonly JsonObject[], context: ReturnType<typeof contextOf>): AuditRecord => {
    const now = isoTime(Date.now());
    return boundRecord({
      ...context,
      id: uuidv7(),
      schemaVersion: SCHEMA_VERSION,
      kind: 'change',
      time: now,
      observedTime: now,
      action: `${changes[0]?.['table'] ?? 'row'}.changed`,
      outcome: 'success',
      actor: context.actor ?? SYSTEM,
      service,
      changes: redactor.value(changes) as readonly JsonObject[],
    });
  };

  return {
    counters,
    carrier: {
      // A service's own identity code runs in it; the statement runs whatever becomes of that.
      contextNow() {
        try {
          return contextNow();
        } catch {
          return '';
        }
      },
      mode,
      databases: createDatabaseStates(() => performance.now()),
      onUncarried(reason) {
        if (counters.withoutContext[reason] === undefined) warn(`the changes of some statements will name nobody: ${reason}`);
        countBy(counters.withoutContext, reason);
      },
    },
    seen(changes) {
      const { scope } = scopeNow();
      const context = contextOf(capture);
      return () => {
        if (scope?.takesChanges() === true && scope.changes.length < MAX_OWN) scope.changes.push(...changes);
        else record(recordOfChanges(changes, context));
      };
    },
  };
}
