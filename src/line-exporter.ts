/** An exporter of ours that takes records as they lie in the journal. Others are given the records themselves. */

import type { Acknowledgement, AuditExporter } from './exporter.js';
import type { RecordLine } from './record-line.js';

export interface LineExporter extends AuditExporter {
  /** As `export`, which says what is agreed. The lines' bytes, too, are only read, and not kept after settling. */
  exportLines(lines: readonly RecordLine[], signal: AbortSignal): Promise<readonly Acknowledgement[]>;
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

function isLineExporter(exporter: AuditExporter): exporter is LineExporter {
  return 'exportLines' in exporter;
}
