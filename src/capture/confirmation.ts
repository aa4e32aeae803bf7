/** Requests whose response waits for its record, and whose handler for its start record. Either waits no longer than the deadline. */

import type { CaptureCounters } from '../health.js';
import type { AuditRecord } from '../record.js';
import { createAmendment, createStartRecord } from './companion-record.js';
import type { Exchange } from './exchange.js';
import type { Ended, Judgement, RecordSettings } from './exchange-record.js';
import type { Hold } from './hold.js';

export interface ConfirmationListener {
  /** Gets the record of a response that waits. Settles with true once it is durable, with false at the deadline. */
  readonly onHeld: (record: AuditRecord, exchange: Exchange) => Promise<boolean>;
  /** Gets a start record; answers as `onHeld`. */
  readonly onStart: (record: AuditRecord) => Promise<boolean>;
  /** A response whose record was made before has closed: as recorded, or otherwise. */
  readonly onHeldClosed: (exchange: Exchange, amendment: AuditRecord | undefined) => void;
  /** A record could not be built or handed on. A defect of this package. */
  readonly onError: (error: unknown) => void;
}

export interface Confirmation {
  /** Records that the request begins, if that is wanted; answers what its handler must wait for, if anything. */
  begin(exchange: Exchange): Promise<boolean> | undefined;
  /** The service has ended the response: its record is made now, and lets it go. */
  responseEnded(exchange: Exchange): void;
  /** True: the exchange had its record already, and nothing is left to do. */
  closed(exchange: Exchange, ended: Ended): boolean;
}

export interface ConfirmationParts {
  readonly settings: RecordSettings;
  readonly counters: CaptureCounters;
  readonly listener: ConfirmationListener;
  readonly judge: (exchange: Exchange) => Judgement | undefined;
  /** For an exchange that becomes no record. */
  readonly leaveOut: (judgement: Exclude<Judgement, { readonly record: AuditRecord }> | undefined) => void;
}

export function createConfirmation({ settings, counters, listener, judge, leaveOut }: ConfirmationParts): Confirmation {
  const begun = new WeakSet<Exchange>();

  /** A start record that cannot even be made is not durable either: strict fails closed. */
  async function recordStart(exchange: Exchange): Promise<boolean> {
    try {
      return await listener.onStart(createStartRecord(exchange, settings));
    } catch (error) {
      listener.onError(error);
      return false;
    }
  }

  /** Whatever happens to the record, the client gets its response. */
  function releaseWhenDurable(exchange: Exchange, record: AuditRecord, hold: Hold): void {
    void listener
      .onHeld(record, exchange)
      .catch((error: unknown) => {
        listener.onError(error);
        return false;
      })
      .then((isDurable) => {
        if (!isDurable) counters.unconfirmed += 1;
        hold.release();
      });
  }

  return {
    begin(exchange) {
      // A service may emit `request` again, after `checkContinue` for instance.
      if (!exchange.wanted.start || begun.has(exchange)) return undefined;
      begun.add(exchange);
      exchange.hasStartRecord = true;
      const durable = recordStart(exchange);
      return exchange.wanted.delivery === 'strict' ? durable : undefined;
    },
    responseEnded(exchange) {
      const { hold } = exchange;
      if (hold === undefined || exchange.closed || exchange.isConfirmed || exchange.isRefused) return;
      exchange.isConfirmed = true;
      counters.open -= 1;
      counters.pending += 1;
      const judgement = judge(exchange);
      if (judgement !== undefined && 'record' in judgement) return releaseWhenDurable(exchange, judgement.record, hold);
      leaveOut(judgement);
      hold.release();
    },
    closed(exchange, ended) {
      // Before the record is made, so that what still waits is out by the time it is said how it ended.
      exchange.hold?.release();
      if (!exchange.isConfirmed) return false;
      listener.onHeldClosed(exchange, createAmendment(exchange, ended, settings));
      return true;
    },
  };
}
