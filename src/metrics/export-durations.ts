/** How long exporters' calls took, as a histogram by exporter. */

/** Upper bounds in seconds; the last is the deadline of a call. */
export const DURATION_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface DurationHistogram {
  /** By bound, not cumulative; one more for what was longer than the last. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumSeconds: number;
}

export interface ExportDurations {
  record(exporter: string, seconds: number): void;
  histograms(): ReadonlyMap<string, DurationHistogram>;
}

export function createExportDurations(): ExportDurations {
  const histograms = new Map<string, { counts: number[]; count: number; sumSeconds: number }>();
  return {
    record(exporter, seconds) {
      const histogram = histograms.get(exporter) ?? {
        counts: Array.from({ length: DURATION_BOUNDS.length + 1 }, () => 0),
        count: 0,
        sumSeconds: 0,
      };
      histograms.set(exporter, histogram);
      const found = DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
      const bucket = found === -1 ? DURATION_BOUNDS.length : found;
      histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
      histogram.count += 1;
      histogram.sumSeconds += seconds;
    },
    histograms: () => histograms,
  };
}
