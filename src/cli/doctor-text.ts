/** The doctor's report for people. */

import type { DoctorReport, ExporterReport, JournalReport } from './doctor.js';

export function doctorText(report: DoctorReport): string {
  const { mode, found, settings, faults, warnings, exporters, journal, node, healthy } = report;
  const sections = [
    section('Mode', [`${mode.mode}: ${mode.reason}`, `Node ${node}`, ...foundLines(found)]),
    section('Exporters', exporters.flatMap(exporterLines)),
    journal === undefined ? '' : section('Journal', journalLines(journal)),
    section(
      'Settings',
      settings.map(({ name, value, origin, from }) => `${name.padEnd(30)} ${value}  [${origin}${from === undefined ? '' : `: ${from}`}]`),
    ),
    section('Warnings', warnings),
    section('Faults', faults),
    healthy ? 'All is well.\n' : 'Something is wrong.\n',
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function foundLines({ declared, preloaded }: DoctorReport['found']): readonly string[] {
  return [
    `telemetry SDKs in package.json: ${declared.join(', ') || 'none'}`,
    `telemetry SDKs among the preloads of NODE_OPTIONS: ${preloaded.join(', ') || 'none'}`,
  ];
}

function exporterLines({ name, runsOn, reachable, findings }: ExporterReport): readonly string[] {
  const where = runsOn === 'worker' ? 'in the worker' : "on the service's thread";
  return [`${name} (${where}): ${reachable ? 'reachable' : 'NOT reachable'}`, ...findings.map((finding) => `  ${finding}`)];
}

const STATES: Readonly<Record<JournalReport['state'], string>> = {
  absent: 'not there yet; it is made when the service listens',
  usable: 'private to this user',
  unsafe: 'NOT safe: a link, no directory, foreign-owned, or open to others',
  unreadable: 'NOT readable',
};

const STREAM_STATES: Readonly<Record<JournalReport['streams'][number]['state'], string>> = {
  live: 'its process runs',
  complete: 'ended, all delivered',
  waiting: 'ended, the rest waits for the next process',
};

function journalLines({ directory, state, streams }: JournalReport): readonly string[] {
  return [
    `${directory}: ${STATES[state]}`,
    ...streams.map(({ stream, service, state: at, bytes, lastSeq, undelivered, evidence }) => {
      const left = Object.entries(undelivered).map(([name, count]) => `${name} ${count}`);
      const kept = evidence.length === 0 ? '' : `, evidence in ${evidence.join(', ')}`;
      return `${stream} of ${service}: ${STREAM_STATES[at]}, last record ${lastSeq}, ${bytes} bytes, undelivered: ${left.join(', ') || 'none'}${kept}`;
    }),
  ];
}
