/** Every attribute name with its meaning and the record's member it carries. The names are spelled nowhere else. */

/** How a member travels: arrays of strings as such, objects as JSON text. */
export type AttributeType = 'string' | 'number' | 'boolean' | 'strings' | 'json';

export interface AttributeDefinition {
  readonly name: string;
  /** Where it stands in the record: `request.bodySize`. */
  readonly member: string;
  readonly type: AttributeType;
  readonly meaning: string;
  /** The same value under its OpenTelemetry semantic convention; on log records only, spans have it from the instrumentation. */
  readonly convention?: string;
}

/** Marks telemetry as audited: the boolean `true`, nothing else. */
export const FLAGGED = 'audit.flagged';

/** Joins telemetry to its record. */
export const RECORD_ID = 'audit.record.id';
export const REQUEST_ID = 'audit.request.id';

/** In the order sinks should keep them when space runs out: identity first, bodies last. */
export const ATTRIBUTES: readonly AttributeDefinition[] = [
  define(RECORD_ID, 'id', 'string', 'Record id (UUIDv7); the idempotency key in every sink.', 'log.record.uid'),
  define('audit.schema.version', 'schemaVersion', 'number', 'Version of the record shape.'),
  define('audit.kind', 'kind', 'string', 'http, event, change, amendment, loss or lifecycle.'),
  define('audit.phase', 'phase', 'string', 'start, in start records only.'),
  define('audit.refers_to', 'refersTo', 'string', 'Id of the record this one belongs to or amends.'),
  define('audit.time', 'time', 'string', 'When it happened, RFC 3339 UTC.'),
  define('audit.observed_time', 'observedTime', 'string', 'When it was recorded, RFC 3339 UTC.'),
  define('audit.action', 'action', 'string', 'What was done: order.created.'),
  define('audit.outcome', 'outcome', 'string', 'success, failure, aborted or unknown.'),
  define('audit.actor.id', 'actor.id', 'string', 'Who did it.', 'user.id'),
  define('audit.actor.type', 'actor.type', 'string', 'user, service, system, anonymous or an alias.'),
  define('audit.actor.email', 'actor.email', 'string', 'Display only; never a key.'),
  define('audit.actor.name', 'actor.name', 'string', 'Display only; never a key.'),
  define('audit.actor.roles', 'actor.roles', 'strings', 'Roles the identity claims or has.'),
  define('audit.actor.scopes', 'actor.scopes', 'strings', 'What the client app may do for the actor.'),
  define('audit.actor.groups', 'actor.groups', 'strings', 'Groups of the directory the actor is in.'),
  define('audit.actor.tenant_id', 'actor.tenantId', 'string', "The actor's own tenant."),
  define('audit.actor.client_app', 'actor.clientApp', 'string', 'Application acting for the actor.'),
  define('audit.actor.source', 'actor.source', 'string', 'Which resolver named the actor.'),
  define('audit.actor.verified', 'actor.verified', 'boolean', 'False: merely claimed by the client.'),
  define('audit.tenant.id', 'tenant.id', 'string', 'Tenant acted in.'),
  define('audit.tenant.slug', 'tenant.slug', 'string', "The tenant's readable name."),
  define('audit.target.type', 'target.type', 'string', 'Kind of thing acted on.'),
  define('audit.target.id', 'target.id', 'string', 'Which thing was acted on.'),
  define(REQUEST_ID, 'request.id', 'string', 'Request id; may be set by the caller.'),
  define('audit.request.method', 'request.method', 'string', 'HTTP method.', 'http.request.method'),
  define('audit.request.path', 'request.path', 'string', 'Redacted path.', 'url.path'),
  define('audit.request.route', 'request.route', 'string', 'Route pattern.', 'http.route'),
  define('audit.request.query', 'request.query', 'string', 'Redacted query string.'),
  define('audit.request.content_type', 'request.contentType', 'string', 'Content type of the request.'),
  define('audit.request.body_format', 'request.bodyFormat', 'string', 'json or text.'),
  define('audit.request.body_size', 'request.bodySize', 'number', 'Bytes received.'),
  define('audit.request.body_truncated', 'request.bodyTruncated', 'boolean', 'True: only the beginning is kept.'),
  define('audit.request.body_omitted', 'request.bodyOmitted', 'string', 'Why there is no body.'),
  define('audit.request.body_hash', 'request.bodyHash', 'string', 'HMAC-SHA-256 of the omitted body.'),
  define('audit.response.status', 'response.status', 'number', 'Status sent.', 'http.response.status_code'),
  define('audit.response.content_type', 'response.contentType', 'string', 'Content type of the response.'),
  define('audit.response.body_format', 'response.bodyFormat', 'string', 'json or text.'),
  define('audit.response.body_size', 'response.bodySize', 'number', 'Bytes written by the service.'),
  define('audit.response.body_truncated', 'response.bodyTruncated', 'boolean', 'True: only the beginning is kept.'),
  define('audit.response.body_omitted', 'response.bodyOmitted', 'string', 'Why there is no body.'),
  define('audit.response.body_hash', 'response.bodyHash', 'string', 'HMAC-SHA-256 of the omitted body.'),
  define('audit.duration_ms', 'durationMs', 'number', 'Arrival to close, milliseconds.'),
  define('audit.client.address', 'client.address', 'string', 'Client address.', 'client.address'),
  define('audit.client.port', 'client.port', 'number', 'Client port.', 'client.port'),
  define('audit.client.peer', 'client.peer', 'string', 'The proxy that told the address.', 'network.peer.address'),
  define('audit.client.forwarded', 'client.forwarded', 'string', 'Raw forwarding header; unverified.'),
  define('audit.client.user_agent', 'client.userAgent', 'string', 'User agent; set by the caller.', 'user_agent.original'),
  define('audit.client.geo.country', 'client.geo.country', 'string', 'ISO country code.', 'geo.country.iso_code'),
  define('audit.client.geo.region', 'client.geo.region', 'string', 'ISO region code.', 'geo.region.iso_code'),
  define('audit.client.geo.city', 'client.geo.city', 'string', 'City.', 'geo.locality.name'),
  define('audit.client.geo.asn', 'client.geo.asn', 'number', 'Autonomous system number.'),
  define('audit.trace.id', 'trace.traceId', 'string', 'Trace id.'),
  define('audit.trace.span_id', 'trace.spanId', 'string', 'Span id.'),
  define('audit.service.name', 'service.name', 'string', 'The recording service.'),
  define('audit.service.version', 'service.version', 'string', "The service's version."),
  define('audit.service.instance_id', 'service.instanceId', 'string', 'The recording process.'),
  define('audit.error.type', 'error.type', 'string', 'Kind of error.', 'error.type'),
  define('audit.error.message', 'error.message', 'string', 'Redacted message.'),
  define('audit.integrity.stream', 'integrity.stream', 'string', 'Journal stream.'),
  define('audit.integrity.epoch', 'integrity.epoch', 'number', 'Chain epoch.'),
  define('audit.sequence.number', 'integrity.seq', 'number', 'Place in the chain, from 1.'),
  define('audit.prev.hash', 'integrity.prevHash', 'string', 'Hash of the record before.'),
  define('audit.integrity.value', 'integrity.hash', 'string', 'SHA-256 of the record.'),
  define('audit.request.headers', 'request.headers', 'json', 'Allow-listed request headers, redacted.'),
  define('audit.changes', 'changes', 'json', 'Row changes.'),
  define('audit.metadata', 'metadata', 'json', 'Whatever the service added.'),
  define('audit.request.body', 'request.body', 'string', 'Redacted request body.'),
  define('audit.response.body', 'response.body', 'string', 'Redacted response body.'),
];

/** The attributes that hold bodies: left out where bodies may not travel. */
export const BODY_ATTRIBUTES: ReadonlySet<string> = new Set(['audit.request.body', 'audit.response.body']);

function define(name: string, member: string, type: AttributeType, meaning: string, convention?: string): AttributeDefinition {
  return convention === undefined ? { name, member, type, meaning } : { name, member, type, meaning, convention };
}
