/** What an endpoint truly said to one request. */

export type Answer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly contentType: string;
      readonly body: Buffer;
      readonly text: string;
      readonly retryAfter?: string | undefined;
    }
  /** No answer: the connection, the name, TLS, the deadline, the credential. */
  | { readonly kind: 'failure'; readonly reason: string }
  /** The SDK gave up before it sent anything. */
  | { readonly kind: 'unsent'; readonly reason: string };

/** The text of a web page where none is to be expected: a captive portal, a proxy's own page. */
export function isHtml({ contentType, text }: { readonly contentType: string; readonly text: string }): boolean {
  return contentType.includes('html') || text.trimStart().startsWith('<');
}

/** A reason without a host name, an address or a credential: the error's code, or its class. */
export function failureOf(thrown: unknown, what: string): Answer {
  const { code, name } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as {
    readonly code?: unknown;
    readonly name?: unknown;
  };
  const reason = typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown error';
  return { kind: 'failure', reason: `${what}: ${reason}` };
}
