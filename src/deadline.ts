/** A point in time that can be waited for, and called off. */

export interface Deadline {
  readonly passed: Promise<void>;
  /** Called off, it never passes. */
  clear(): void;
}

/** Keeps the process alive until it passes or is cleared. */
export function createDeadline(ms: number): Deadline {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return { passed, clear: () => clearTimeout(timer) };
}
