/** Prints one JSON line a record, for development and for platforms that collect standard output. */

import { canonicalize } from '../../src/canonical.js';
import { type AuditExporter, allDelivered, allRetry } from '../../src/exporter.js';

export interface ConsoleExporterOptions {
  /** Writes whole lines; settles when they are handed over. Default: standard output. */
  readonly write?: ((lines: string) => Promise<void>) | undefined;
}

export function createConsoleExporter(options: ConsoleExporterOptions = {}): AuditExporter {
  const write = options.write ?? ((lines) => writeTo(process.stdout, lines));
  let shutDown = false;
  let last: Promise<void> = Promise.resolve();
  return {
    name: 'console',
    async export(records, signal) {
      if (shutDown) return allRetry(records.length, 'the exporter is shut down');
      const lines = records.map((record) => `${canonicalize(record)}\n`).join('');
      try {
        signal.throwIfAborted();
        // A stuck output is not written to again, or every retry would pile up in its buffer.
        await Promise.race([last.catch(() => {}), aborted(signal)]);
        last = write(lines);
        await Promise.race([last, aborted(signal)]);
        return allDelivered(records.length);
      } catch (error) {
        return allRetry(records.length, signal.aborted ? 'the deadline passed' : `the output cannot be written${codeOf(error)}`);
      }
    },
    async shutdown() {
      shutDown = true;
    },
  };
}

/**
 * Settles when the stream has taken the text, so that a slow reader slows delivery and nothing piles up.
 * A stream whose reader has gone also emits `error`, which would end the service if nobody listened.
 */
export function writeTo(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (error === undefined || error === null) {
        stream.removeListener('error', settle);
        resolve();
      } else {
        // The event comes after the callback.
        setImmediate(() => stream.removeListener('error', settle));
        reject(error);
      }
    };
    stream.on('error', settle);
    stream.write(text, settle);
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}
