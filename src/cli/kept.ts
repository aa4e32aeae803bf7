/** Says where the trail goes and how long it stays there, for the auditor who asks. Of ours, only AUDIT_FILE_RETAIN_DAYS removes a delivered record. */

import type { AuditConfig } from '../config.js';

export function keptLines(config: AuditConfig): readonly string[] {
  return config.exporters.map((name) => `recorded by ${name}, kept ${KEPT[name]?.(config) ?? 'as long as it says itself'}\n`);
}

const KEPT: Readonly<Record<string, (config: AuditConfig) => string>> = {
  file: ({ file: { directory, retainDays } }) =>
    `below ${directory} ${retainDays === 0 ? 'until somebody removes the files' : `for ${retainDays} days after its segment was written`}`,
  postgres: () => 'in audit_logs until `otel-audit prune` removes it',
  azure: () => 'as long as the resource is set to: 30 days, in a workspace 90, where nobody has set anything',
  console: () => 'by whatever reads the standard output',
};
