/** What both signals of Application Insights take from a record beside its properties: time, resource and tags. */

import type { AuditRecord, AuditService } from '../../../src/record.js';
import { cutText } from './split-text.js';

export interface TagOptions {
  /** Also as `client_IP`: the service looks the place up and then masks it, unless told otherwise. */
  readonly clientAddress: boolean;
  /** Also as `user_AuthenticatedId`. */
  readonly user: boolean;
}

export interface AuditResource {
  readonly attributes: Readonly<Record<string, string>>;
}

export const SCOPE = { name: 'otel-audit' };

// Tags only repeat what the properties hold whole, so they may be cut; together they must stay within the 4 KB left for the envelope.
const MAX_NAME_BYTES = 256;
const MAX_OPERATION_BYTES = 512;

/** The attributes of which the SDK makes tags; none unless allowed: both are personal data. */
export function addTags(attributes: Record<string, string | number>, record: AuditRecord, tags: TagOptions): void {
  if (tags.clientAddress && record.client?.address !== undefined) attributes['microsoft.client.ip'] = record.client.address;
  if (tags.user && record.actor.type !== 'anonymous') attributes['enduser.id'] = cutText(record.actor.id, MAX_NAME_BYTES);
}

/** `POST /orders/:id` */
export function operationNameOf({ request }: AuditRecord): string | undefined {
  if (request?.method === undefined) return undefined;
  return cutText(request.route === undefined ? request.method : `${request.method} ${request.route}`, MAX_OPERATION_BYTES);
}

let lastService: AuditService | undefined;
let lastResource: AuditResource = { attributes: {} };

/** Most batches come from one process: the last one's resource is kept. */
export function resourceOf(service: AuditService): AuditResource {
  const { name, version, instanceId } = service;
  if (lastService?.name === name && lastService.version === version && lastService.instanceId === instanceId) return lastResource;
  const attributes: Record<string, string> = { 'service.name': cutText(name, MAX_NAME_BYTES) };
  if (version !== undefined) attributes['service.version'] = cutText(version, MAX_NAME_BYTES);
  if (instanceId !== undefined) attributes['service.instance.id'] = cutText(instanceId, MAX_NAME_BYTES);
  lastService = { name, version, instanceId };
  lastResource = { attributes };
  return lastResource;
}

const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/**
 * An invalid time would make the SDK throw for the whole batch, so an absurd one gives way: to the observed time, else to
 * one so old that the service puts the arrival in its place. `audit.time` keeps what the record says.
 */
export function hrTimeOf(record: AuditRecord): [number, number] {
  const millis = [record.time, record.observedTime].map(Date.parse).find((time) => time >= EARLIEST && time < LATEST) ?? EARLIEST;
  // The SDK computes in floating nanoseconds and cuts to milliseconds; half a millisecond keeps it from landing one too low.
  return [Math.floor(millis / 1000), (millis % 1000) * 1e6 + 5e5];
}
