/** An exporter that answers as told, and notes what it was offered. */

import type { Acknowledgement, AuditExporter } from '../../src/exporter.js';
import type { JournalledRecord } from '../../src/record.js';

export type Answer = (
  records: readonly JournalledRecord[],
  signal: AbortSignal,
) => Promise<readonly Acknowledgement[]> | readonly Acknowledgement[];

export interface ScriptedExporter extends AuditExporter {
  /** The sequence numbers of every call. */
  readonly calls: number[][];
  isShutDown: boolean;
}

/** One answer a call; `delivered` for all once they are used up. */
export function scriptExporter(...answers: Answer[]): ScriptedExporter {
  const calls: number[][] = [];
  return {
    name: 'scripted',
    calls,
    isShutDown: false,
    async export(records, signal) {
      calls.push(records.map((record) => record.integrity.seq));
      const answer = answers.shift() ?? answerAll({ status: 'delivered' });
      return answer(records, signal);
    },
    async shutdown() {
      this.isShutDown = true;
    },
  };
}

export function answerAll(acknowledgement: Acknowledgement): Answer {
  return (records) => records.map(() => acknowledgement);
}

/** `answers` by sequence number; `delivered` for the others. */
export function answerBySeq(answers: Readonly<Record<number, Acknowledgement>>): Answer {
  return (records) => records.map((record) => answers[record.integrity.seq] ?? { status: 'delivered' });
}
