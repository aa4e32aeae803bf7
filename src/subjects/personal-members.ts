/** What of a record goes with its actor's key: bodies, names, and the rows of changes. The one list that sealing and opening share. */

import type { AuditActor, AuditBody, AuditRecord, JsonObject, JsonValue } from '../record.js';

type KeptBody = Pick<AuditBody, 'body' | 'bodyFormat' | 'bodyOmitted'>;

/** What becomes of each; `member` says which it is. */
export interface Rewriting {
  name(member: string, name: string): string | undefined;
  body(member: string, body: string, format: AuditBody['bodyFormat']): KeptBody;
  row(member: string, row: JsonValue): JsonValue | undefined;
}

/** False: nobody's, or there is nothing of the person in it. */
export function isPersonal({ actor, request, response, changes }: AuditRecord): boolean {
  // Both are needed: a token may claim any type.
  if ((actor.type === 'anonymous' || actor.type === 'system') && NOBODY.has(actor.id)) return false;
  return [actor.email, actor.name, request?.body, response?.body].some((value) => value !== undefined) || (changes?.length ?? 0) > 0;
}

const NOBODY: ReadonlySet<string> = new Set(['anonymous', 'system', 'unknown']);

export function rewritePersonal<Some extends AuditRecord>(record: Some, rewriting: Rewriting): Some {
  const { actor, request, response, changes } = record;
  return {
    ...record,
    actor: rewriteActor(actor, rewriting),
    request: request && { ...request, ...rewriteBody('request.body', request, rewriting) },
    response: response && { ...response, ...rewriteBody('response.body', response, rewriting) },
    changes: changes?.map((change) => rewriteChange(change, rewriting)),
  };
}

function rewriteActor(actor: AuditActor, { name }: Rewriting): AuditActor {
  return {
    ...actor,
    email: actor.email === undefined ? undefined : name('actor.email', actor.email),
    name: actor.name === undefined ? undefined : name('actor.name', actor.name),
  };
}

function rewriteBody(member: string, { body, bodyFormat }: AuditBody, rewriting: Rewriting): KeptBody | undefined {
  return body === undefined ? undefined : rewriting.body(member, body, bodyFormat);
}

/** `filter`: what a statement chose its rows by. */
const ROWS: ReadonlySet<string> = new Set(['before', 'after', 'filter']);

function rewriteChange(change: JsonObject, { row }: Rewriting): JsonObject {
  const members = Object.entries(change).map(([name, value]) => [name, ROWS.has(name) ? row(`changes.${name}`, value) : value] as const);
  return Object.fromEntries(members.filter((member): member is readonly [string, JsonValue] => member[1] !== undefined));
}
