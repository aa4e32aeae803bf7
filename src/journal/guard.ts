/** Calls back into the pipeline from timers and loops of our own, where an exception would end the service. */

/** The callback, which never throws; absent callbacks do nothing. What one threw is gone: there is nobody left to tell. */
export function guard<Arguments extends readonly unknown[]>(
  callback: ((...args: Arguments) => void) | undefined,
): (...args: Arguments) => void {
  return (...args) => {
    try {
      callback?.(...args);
    } catch {}
  };
}
