/** One record for people: who did what, the bodies laid out, the changes field by field, and its place in the chain. */

import { diffText } from '../changes/diff-text.js';
import type { AuditBody, JournalledRecord } from '../record.js';
import { printable } from '../record-bounds.js';

export function showText(record: JournalledRecord, isIntact: boolean): string {
  const { actor, tenant, target, request, response, client, trace, service, error, integrity } = record;
  const members: readonly (readonly [string, unknown])[] = [
    ['id', record.id],
    ['time', record.time],
    ['action', record.action],
    ['outcome', record.outcome],
    ['kind', [record.kind, record.phase].filter(Boolean).join(', ')],
    ['refers to', record.refersTo],
    ['actor', [actor.id, actor.email, actor.name].filter(Boolean).join(', ')],
    [
      'actor type',
      `${actor.type}, ${actor.verified ? 'verified' : 'NOT verified'}${actor.source === undefined ? '' : ` (${actor.source})`}`,
    ],
    ['roles', actor.roles?.join(', ')],
    ['tenant', [tenant?.id, tenant?.slug].filter(Boolean).join(', ')],
    ['target', [target?.type, target?.id].filter(Boolean).join(' ')],
    ['request', [request?.method, request?.path].filter(Boolean).join(' ')],
    ['query', request?.query],
    ['route', request?.route],
    ['request id', request?.id],
    ['status', response?.status],
    ['duration', record.durationMs === undefined ? undefined : `${record.durationMs} ms`],
    ['client', [client?.address, client?.userAgent].filter(Boolean).join(', ')],
    ['trace', [trace?.traceId, trace?.spanId].filter(Boolean).join(', ')],
    ['service', [service.name, service.version, service.instanceId].filter(Boolean).join(', ')],
    ['error', [error?.type, error?.message].filter(Boolean).join(': ')],
    ['stream', `${integrity.stream}, record ${integrity.seq}`],
    ['hash', `${integrity.hash} ${isIntact ? '(matches)' : '(does NOT match: the record was altered)'}`],
  ];
  const lines = members.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name.padEnd(12)}${printable(String(value))}`],
  );
  return [
    ...lines,
    ...headers(request?.headers),
    ...body('request body', request),
    ...body('response body', response),
    ...(record.changes === undefined || record.changes.length === 0 ? [] : ['', 'changes', ...indented(diffText(record.changes))]),
    ...(record.metadata === undefined ? [] : ['', 'metadata', ...indented(JSON.stringify(record.metadata, undefined, 2))]),
    '',
  ].join('\n');
}

/** A change of a row below the record of its request: when, its own record, and what became of each field. */
export function changeText({ id, time, changes }: JournalledRecord): string {
  return [`changed at ${time}, record ${id}`, ...indented(diffText(changes)), ''].map(printable).join('\n');
}

function headers(values: Readonly<Record<string, string>> | undefined): readonly string[] {
  if (values === undefined || Object.keys(values).length === 0) return [];
  return ['', 'headers', ...Object.entries(values).map(([name, value]) => `  ${printable(`${name}: ${value}`)}`)];
}

function body(title: string, body: AuditBody | undefined): readonly string[] {
  if (body?.body === undefined && body?.bodyOmitted === undefined) return [];
  const facts = [
    body.contentType,
    body.bodySize === undefined ? undefined : `${body.bodySize} bytes`,
    body.bodyTruncated === true ? 'cut' : undefined,
  ];
  const about = printable(facts.filter(Boolean).join(', '));
  if (body.body === undefined) return ['', `${title}: not kept (${[body.bodyOmitted, about].filter(Boolean).join(', ')})`];
  return ['', `${title}${about === '' ? '' : ` (${about})`}`, ...indented(laidOut(body.body, body.bodyFormat))];
}

function laidOut(text: string, format: AuditBody['bodyFormat']): string {
  if (format !== 'json') return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

function indented(text: string): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${printable(line)}`);
}
