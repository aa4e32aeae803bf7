/** Records over time, in steps that leave at most 120 columns. */

export interface TimelineStep {
  /** RFC 3339, the step's beginning. */
  readonly from: string;
  readonly success: number;
  readonly failure: number;
  /** Aborted and unknown. */
  readonly other: number;
}

export interface Timeline {
  readonly stepMs: number;
  /** Without gaps: a step in which nothing happened is there. */
  readonly steps: readonly TimelineStep[];
}

const MINUTE_MS = 60_000;
// Each divides the next, so that a coarser step holds whole finer ones: to a day, then 1, 4, 12 and 48 weeks.
const STEPS_MS = [1, 5, 15, 60, 360, 1440, 10_080, 40_320, 120_960, 483_840].map((minutes) => minutes * MINUTE_MS);
const MAX_COLUMNS = 120;

type Cell = [success: number, failure: number, other: number];

export function createTimeline() {
  let cells = new Map<number, Cell>();
  let level = 0;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const stepMs = (): number => STEPS_MS[level] ?? MINUTE_MS;

  const coarsen = (): void => {
    level += 1;
    const coarse = new Map<number, Cell>();
    for (const [at, cell] of cells) {
      const step = Math.floor(at / stepMs()) * stepMs();
      const known = coarse.get(step) ?? [0, 0, 0];
      coarse.set(step, [known[0] + cell[0], known[1] + cell[1], known[2] + cell[2]]);
    }
    cells = coarse;
  };

  return {
    add(time: string, outcome: string): void {
      const ms = Date.parse(time);
      if (Number.isNaN(ms)) return;
      low = Math.min(low, ms);
      high = Math.max(high, ms);
      while (level < STEPS_MS.length - 1 && (high - low) / stepMs() > MAX_COLUMNS - 1) coarsen();
      const step = Math.floor(ms / stepMs()) * stepMs();
      const cell = cells.get(step) ?? [0, 0, 0];
      cell[outcome === 'success' ? 0 : outcome === 'failure' ? 1 : 2] += 1;
      cells.set(step, cell);
    },
    finish(): Timeline {
      if (low === Number.POSITIVE_INFINITY) return { stepMs: stepMs(), steps: [] };
      const steps: TimelineStep[] = [];
      const begin = Math.floor(low / stepMs()) * stepMs();
      for (let at = begin; at <= high; at += stepMs()) {
        const [success, failure, other] = cells.get(at) ?? [0, 0, 0];
        steps.push({ from: new Date(at).toISOString(), success, failure, other });
      }
      return { stepMs: stepMs(), steps };
    },
  };
}
