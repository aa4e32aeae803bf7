/** How an ingestion endpoint may answer one request, as data: what `startIngestionServer` acts out. */

export type IngestionBehaviour =
  /** As the service does: 200, or 206 (400 if nothing is left) when it finds faulty items. */
  | { readonly kind: 'accept' }
  /** Items by index get this status and are not stored; the others are. */
  | { readonly kind: 'items'; readonly errors: Readonly<Record<number, ItemError>> }
  /** Nothing is stored. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly contentType?: string;
      readonly body?: string;
    }
  /** The connection is reset; `after`: the items were read and stored first. */
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Answers as the service does, one byte every `everyMs`. */
  | { readonly kind: 'drip'; readonly everyMs: number };

export interface ItemError {
  readonly status: number;
  readonly message: string;
}

export const ACCEPT: IngestionBehaviour = { kind: 'accept' };
export const HANG: IngestionBehaviour = { kind: 'hang' };

/** `itemErrors({ 1: 400, 2: 429 })` */
export function itemErrors(statuses: Readonly<Record<number, number>>): IngestionBehaviour {
  const errors: Record<number, ItemError> = {};
  for (const [index, status] of Object.entries(statuses))
    errors[Number(index)] = { status, message: MESSAGES[status] ?? `status ${status}` };
  return { kind: 'items', errors };
}

/** Refuses the whole request. `retryAfter` as the header's text: seconds or an HTTP date. */
export function refuse(status: number, retryAfter?: string): IngestionBehaviour {
  return retryAfter === undefined ? { kind: 'status', status } : { kind: 'status', status, headers: { 'retry-after': retryAfter } };
}

export function redirect(status: 301 | 302 | 307 | 308, location: string): IngestionBehaviour {
  return { kind: 'status', status, headers: { location } };
}

/** What a hotel's log-in page or a proxy says in the service's place. */
export function htmlPage(status = 200): IngestionBehaviour {
  return { kind: 'status', status, contentType: 'text/html; charset=utf-8', body: '<!doctype html><title>Sign in</title>' };
}

export function reset(when: 'before' | 'after'): IngestionBehaviour {
  return { kind: 'reset', when };
}

export function drip(everyMs: number): IngestionBehaviour {
  return { kind: 'drip', everyMs };
}

const MESSAGES: Readonly<Record<number, string>> = {
  400: "109: Field 'time' on type 'Envelope' is of incorrect type.",
  402: 'Monthly quota exceeded',
  429: 'Too many requests',
  439: 'Too many requests over extended time',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
