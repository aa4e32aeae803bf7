/** One rule of the policy, as written in the configuration file. Rules are tried in order; the first match wins. */

/** `none`: no record. `metadata`: no bodies. `request`: the request body. `full`: both bodies. */
export type PolicyLevel = 'none' | 'metadata' | 'request' | 'full';

export interface PolicyRule {
  /** For counters and `policy explain`. */
  readonly name: string;
  readonly match: PolicyMatch;
  readonly level: PolicyLevel;
  /** Share of matching requests to record, 0 to 1; failures are always recorded. Default 1. */
  readonly sample?: number | undefined;
  /** Replaces the derived action. */
  readonly action?: string | undefined;
  /** Extra request headers to keep, lower case. */
  readonly headers?: readonly string[] | undefined;
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
  readonly tenant?: readonly string[] | undefined;
}
