/** Lets the user's sampler decide what is exported, and only makes sure that server spans are recorded. */

/** Structurally OpenTelemetry's `Sampler`: any version of the SDK accepts it. */
export interface SamplerLike {
  shouldSample(context: never, traceId: string, spanName: string, spanKind: number, attributes: never, links: never): SamplingResultLike;
  toString(): string;
}

export interface SamplingResultLike {
  readonly decision: number;
}

// SamplingDecision and SpanKind of the OpenTelemetry API, which are stable numbers.
const NOT_RECORD = 0;
const RECORD = 1;
const KIND_SERVER = 1;

/** Never answers SAMPLED on its own: that would change what the service exports and what it tells its callees. */
export class AuditSampler {
  readonly #inner: SamplerLike;

  constructor(inner: SamplerLike) {
    this.#inner = inner;
  }

  shouldSample(
    context: unknown,
    traceId: string,
    spanName: string,
    spanKind: number,
    attributes: unknown,
    links: unknown,
  ): SamplingResultLike {
    const result = this.#inner.shouldSample(context as never, traceId, spanName, spanKind, attributes as never, links as never);
    return spanKind === KIND_SERVER && result.decision === NOT_RECORD ? { ...result, decision: RECORD } : result;
  }

  toString(): string {
    return `AuditSampler{${this.#inner.toString()}}`;
  }
}
