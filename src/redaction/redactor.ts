/** The interface of redaction: everything that may hold a client's text passes one of these before it is stored. */

/** A body as captured: the first bytes on the wire, at most the cap. */
export interface CapturedBody {
  readonly bytes: Uint8Array;
  /** The `Content-Type` header; undefined when there was none. */
  readonly contentType?: string | undefined;
  /** True when there was more than `bytes`. */
  readonly truncated: boolean;
}

/**
 * What may be kept of a body: its redacted text (valid JSON if `format` is `json`, also when it was cut; no NUL and no
 * lone surrogate, not even escaped), or why nothing may. `truncated` is true if anything but secrets is missing. `hash`:
 * HMAC-SHA-256 of the whole body's bytes, hexadecimal, where a key is set and the body is not truncated.
 */
export type RedactedBody =
  | { readonly text: string; readonly format: 'json' | 'text'; readonly truncated: boolean }
  | { readonly omitted: 'binary' | 'unparsable'; readonly hash?: string };

/** Pure and total: no method throws, whatever it is given. What is not understood is not kept. */
export interface Redactor {
  body(body: CapturedBody): RedactedBody;
  /** A query string without its question mark. */
  query(query: string): string;
  /** The path of a URL. */
  path(path: string): string;
  /** One header's value, judged by its name (any case). */
  header(name: string, value: string): string;
  /** Prose: error messages, user agents, names. */
  text(text: string): string;
  /** Anything the service passes to the API: a plain JSON copy, bounded in depth and size, sensitive keys masked. */
  value(value: unknown): unknown;
}

/** What stands in the place of a secret. */
export const MASK = '[REDACTED]';
