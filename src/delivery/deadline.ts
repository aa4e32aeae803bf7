/** Waiting for others' promises without ever waiting for ever. */

export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

/** How a call ended, whether it threw, rejected or resolved. */
export async function settled<Value>(work: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

/** What `work` resolves to, or undefined after `ms`. Does not keep the process alive. */
export function within<Value>(work: Promise<Value>, ms: number): Promise<Value | undefined> {
  return race(work, ms, (timer) => timer.unref());
}

/** As `within`, and keeps the process alive meanwhile. */
export function withinHeld<Value>(work: Promise<Value>, ms: number): Promise<Value | undefined> {
  return race(work, ms, (timer) => timer);
}

async function race<Value>(work: Promise<Value>, ms: number, hold: (timer: NodeJS.Timeout) => NodeJS.Timeout): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = hold(setTimeout(() => resolve(undefined), ms));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
