/** Runs work in the name of a job, and builds the record of a job that has an action. */

import type { Capture } from './capture/capture.js';
import { Job } from './capture/job.js';
import { traceOf } from './capture/request-context.js';
import { actorOf, type EventContext, recordOfEvent, targetOf, tenantOf, textOf } from './event-record.js';
import type { JobContext, ManualEvent } from './live.js';
import type { AuditRecord, AuditService } from './record.js';
import { boundRecord } from './record-bounds.js';
import type { Redactor } from './redaction/redactor.js';

/** Answers and throws what the work does. `onSettled` gets the event of a job with an action, in the job's own context. */
export function runJob<Result>(
  context: JobContext,
  work: () => Result,
  capture: Capture,
  onSettled: (event: ManualEvent, job: Job) => void,
): Result {
  const outer = capture.currentJob();
  const words = {
    actor: actorOf(context.actor) ?? outer?.words.actor,
    tenant: tenantOf(context.tenant) ?? outer?.words.tenant,
    target: targetOf(context.target),
    metadata: typeof context.metadata === 'object' && context.metadata !== null ? { ...context.metadata } : undefined,
  };
  const action = textOf(context.action);
  const job = new Job({
    words,
    requestId: textOf(context.requestId) ?? outer?.requestId,
    trace: jobTrace(context) ?? outer?.trace,
    exchange: capture.current(),
    isRecorded: action !== undefined,
  });
  const settled = (error?: unknown, isFailure = false): void => {
    const { outcome, target, metadata, action: said } = job.words;
    job.settle();
    if (action === undefined) return;
    onSettled({ action: said ?? action, outcome: outcome ?? (isFailure ? 'failure' : 'success'), target, metadata, error }, job);
  };
  return capture.run(job, () => settling(work, settled));
}

/** A promise is followed by another one, never watched from aside: a rejection that nobody handles must stay one. */
function settling<Result>(work: () => Result, settled: (error?: unknown, isFailure?: boolean) => void): Result {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    settled(error, true);
    throw error;
  }
  if (!(result instanceof Promise)) {
    settled();
    return result;
  }
  return result.then(
    (value: unknown) => {
      settled();
      return value;
    },
    (error: unknown) => {
      settled(error, true);
      throw error;
    },
  ) as Result;
}

/** What an event inherits from the job or the request it happens in. */
export function contextOf(capture: Capture): EventContext {
  const exchange = capture.current();
  const job = capture.currentJob();
  const who = exchange && capture.who(exchange);
  const request = { id: job?.requestId ?? exchange?.requestId ?? '' };
  if (job === undefined && exchange === undefined) return {};
  return {
    actor: job?.words.actor ?? who?.actor,
    tenant: job?.words.tenant ?? who?.tenant,
    request,
    refersTo: job?.isRecorded === true ? job.id : exchange?.id,
    trace: job?.trace ?? exchange?.span?.spanContext(),
  };
}

/** The job's own record: what happened in it refers to this one's id. */
export function recordOfJob(event: ManualEvent, job: Job, capture: Capture, service: AuditService, redactor: Redactor): AuditRecord {
  const record = recordOfEvent(event, { ...contextOf(capture), refersTo: job.exchange?.id }, service, redactor);
  const changes = job.changes.length === 0 ? undefined : (redactor.value(job.changes) as typeof job.changes);
  return boundRecord({ ...record, id: job.id, time: job.time, durationMs: job.durationMs(), changes });
}

function jobTrace({ traceparent }: JobContext): ReturnType<typeof traceOf> {
  return typeof traceparent === 'string' ? traceOf(traceparent) : undefined;
}
