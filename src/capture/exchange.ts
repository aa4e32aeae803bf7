/** Everything known about one HTTP request while it is open: the only source of its record. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { v7 as uuidv7 } from 'uuid';
import type { Credentials } from '../identity/identities.js';
import type { AuditActor, AuditRecord, AuditTarget, AuditTenant, JsonObject, Outcome } from '../record.js';
import type { AuditSpan } from '../span.js';
import { BodyTap } from './body.js';
import { hashIfBinary } from './body-hash.js';
import { type Peer, peerOf } from './client-address.js';
import type { Hold } from './hold.js';
import { createFileElision } from './multipart-files.js';
import { originForm } from './origin-form.js';
import type { StartDecision } from './policy.js';

/** What the service itself says inside the request; it wins over anything derived. */
export interface ServiceWords {
  action?: string | undefined;
  actor?: AuditActor | undefined;
  tenant?: AuditTenant | undefined;
  target?: AuditTarget | undefined;
  outcome?: Outcome | undefined;
  metadata?: Record<string, unknown> | undefined;
  skip?: boolean | undefined;
}

export interface BodySettings {
  /** Kept of each body. */
  readonly maxBytes: number;
  readonly hashKey: string | undefined;
}

export class Exchange {
  /** The record's id. */
  readonly id = uuidv7();
  readonly startMs = Date.now();
  readonly #startedAt = performance.now();
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** As received, in origin form: middleware rewrites `request.url`. */
  readonly rawUrl: string;
  readonly peer: Peer;
  /** What the request itself shows of who sent it. */
  readonly credentials: Credentials;
  readonly wanted: StartDecision;
  /** Of bodies that are recorded by size and hash. */
  readonly hashKey: string | undefined;
  readonly requestBody: BodyTap;
  readonly responseBody: BodyTap;
  readonly words: ServiceWords = {};
  /** Content type and encoding of the headers actually sent. */
  responseContentType: string | undefined;
  responseContentEncoding: string | undefined;
  /** HTTP/2's `end` writes its chunk through `write`, which must not count it again. */
  isEnding = false;
  /** What the handler threw synchronously. */
  thrown: unknown;
  /** The server span of this request, ours or the host's. */
  span: AuditSpan | undefined;
  /** True once `span` will be reported by our own span processor when it ends. */
  spanIsHooked = false;
  closed = false;
  /** What keeps the response back until its record is durable, where the policy asks for that. */
  hold: Hold | undefined;
  /** Its record was made when the response ended, and not when it closed. */
  isConfirmed = false;
  /** A start record says that it began: it must not leave the trail any more. */
  hasStartRecord = false;
  /** The handler was not called, because the start record could not be made durable. */
  isRefused = false;
  /** What ORM adapters saw committed while it was open; raw. */
  readonly changes: JsonObject[] = [];
  /** For whoever keeps the exchange while it is open. */
  onClosed: (() => void) | undefined;
  /** Once closed, if it became one. */
  record: AuditRecord | undefined;
  #closedAfterMs: number | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    wanted: StartDecision,
    { maxBytes, hashKey }: BodySettings,
    requestIdOf: (ownId: string) => string,
    credentialsOf: (request: IncomingMessage, atMs: number) => Credentials,
  ) {
    this.request = request;
    this.response = response;
    this.wanted = wanted;
    this.rawUrl = originForm(request.url ?? '');
    this.peer = peerOf(request.socket);
    this.requestId = requestIdOf(this.id);
    this.credentials = credentialsOf(request, this.startMs);
    this.hashKey = hashKey;
    const { 'content-type': type, 'content-encoding': encoding } = request.headers;
    const elision = wanted.requestBody && encoding === undefined ? createFileElision(type) : undefined;
    this.requestBody = new BodyTap(wanted.requestBody ? maxBytes : 0, elision);
    hashIfBinary(this.requestBody, hashKey, type, encoding);
    this.responseBody = new BodyTap(wanted.responseBody ? maxBytes : 0);
  }

  /** Its record is not made yet. */
  takesChanges(): boolean {
    return !this.closed;
  }

  close(): void {
    this.closed = true;
    this.#closedAfterMs = this.elapsedMs();
  }

  /** Milliseconds from the request's arrival to its close, or until now; to the microsecond. */
  elapsedMs(): number {
    return this.#closedAfterMs ?? Math.round((performance.now() - this.#startedAt) * 1000) / 1000;
  }
}
