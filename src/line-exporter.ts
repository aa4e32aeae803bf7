/** An exporter of ours that takes records as they lie in the journal. Others are given the records themselves. */

import type { Acknowledgement, AuditExporter } from './exporter.js';
import type { RecordLine } from './record-line.js';

export interface LineExporter extends AuditExporter {
  /** As `export`, which says what is agreed. The lines' bytes, too, are only read, and not kept after settling. */
  exportLines(lines: readonly RecordLine[], signal: AbortSignal): Promise<readonly Acknowledgement[]>;

  /** What will be offered next if all goes well, told while a call is out: the time to get it ready. It may never be offered. */
  prepare(lines: readonly RecordLine[]): void;
}

export function exportLines(
  exporter: AuditExporter,
  lines: readonly RecordLine[],
  signal: AbortSignal,
): Promise<readonly Acknowledgement[]> {
  if (isLineExporter(exporter)) return exporter.exportLines(lines, signal);
  return exporter.export(
    lines.map((line) => line.record),
    signal,
  );
}

export function prepareLines(exporter: AuditExporter, lines: readonly RecordLine[]): void {
  if (isLineExporter(exporter)) exporter.prepare(lines);
}

function isLineExporter(exporter: AuditExporter): exporter is LineExporter {
  return 'exportLines' in exporter;
}
