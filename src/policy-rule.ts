/** One rule of the policy, as written in the configuration file. Rules are tried in order; the first match wins. */

/** `none`: no record. `metadata`: no bodies. `request`: the request body. `full`: both bodies. */
export type PolicyLevel = 'none' | 'metadata' | 'request' | 'full';

/** When a response may leave: at once, once its record is durable, or that and its handler only after a durable start record. */
export type DeliveryMode = 'async' | 'confirmed' | 'strict';

export interface PolicyRule {
  /** For counters and `policy explain`. */
  readonly name: string;
  readonly match: PolicyMatch;
  readonly level: PolicyLevel;
  /** Share of matching requests to record, 0 to 1; failures are always recorded. Default 1. */
  readonly sample?: number | undefined;
  /** Replaces the derived action. */
  readonly action?: string | undefined;
  /** Where in the path the target stands. */
  readonly target?: PolicyTarget | undefined;
  /** Bytes kept of each body, instead of `AUDIT_MAX_BODY_BYTES`. */
  readonly maxBodyBytes?: number | undefined;
  /** Extra request headers to keep, lower case. */
  readonly headers?: readonly string[] | undefined;
  /** Default: `AUDIT_DELIVERY`. Known when the request arrives, so other than `async` only beside `method` and `path`. */
  readonly delivery?: DeliveryMode | undefined;
  /** A record that the request began, before its handler runs; `strict` implies it. Beside `method` and `path` only. */
  readonly start?: boolean | undefined;
}

/** `{ pattern: '/orders/:id' }` makes `/orders/42` the target `order` / `42`. */
export interface PolicyTarget {
  /** Segments of the whole path: `:name` is a value, `*` any one segment, `**` at the end any number, the rest is literal. */
  readonly pattern: string;
  /** Default: the singular of the segment before the value. */
  readonly type?: string | undefined;
  /** Which `:name` is the id. Default: the last. */
  readonly id?: string | undefined;
}

/** Every member given must match; a list matches if one of its entries does. */
export interface PolicyMatch {
  /** Upper case. */
  readonly method?: readonly string[] | undefined;
  /** Globs over the raw path without the query: `*` within a segment, `**` across segments. */
  readonly path?: readonly string[] | undefined;
  /** Globs over the route pattern; a request without a route does not match. */
  readonly route?: readonly string[] | undefined;
  /** `404`, `4xx`. */
  readonly status?: readonly string[] | undefined;
  readonly actorType?: readonly string[] | undefined;
  /** The tenant's id. */
  readonly tenant?: readonly string[] | undefined;
  /** Globs over the request's media type without parameters, lower case: `multipart/*`. Set by the caller. */
  readonly contentType?: readonly string[] | undefined;
}
