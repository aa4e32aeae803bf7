/** How the preload knows that it runs inside the delivery worker, where it must do nothing. */

/** Set to `1` in the environment of the delivery worker and nowhere else. */
export const WORKER_MARKER = 'OTEL_AUDIT_WORKER';
