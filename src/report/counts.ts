/** Counts by name. Beyond a bound the rarest names are forgotten: what is left may be counted too low, never too high. */

export interface Ranked {
  readonly name: string;
  readonly count: number;
}

export interface Counts {
  add(name: string): void;
  of(name: string): number;
  total(): number;
  /** Different names; at the bound, at least so many. */
  size(): number;
  all(): Readonly<Record<string, number>>;
  /** The most frequent, most frequent first. */
  top(count: number): readonly Ranked[];
}

// 100,000 names of some 50 bytes are 10 MB.
const MAX_NAMES = 100_000;

export function createCounts(maxNames: number = MAX_NAMES): Counts {
  let counts = new Map<string, number>();
  let total = 0;
  let forgotten = 0;
  const ranked = (): readonly Ranked[] =>
    [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return {
    add(name) {
      total += 1;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (counts.size <= maxNames) return;
      const kept = ranked().slice(0, Math.ceil(maxNames / 2));
      forgotten += counts.size - kept.length;
      counts = new Map(kept.map(({ name: known, count }) => [known, count]));
    },
    of: (name) => counts.get(name) ?? 0,
    total: () => total,
    size: () => counts.size + forgotten,
    all: () => Object.fromEntries(counts),
    top: (count) => ranked().slice(0, count),
  };
}
