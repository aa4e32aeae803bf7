/** The preload: `node --require otel-audit/register` or `--import otel-audit/register`. Starts the pipeline once a thread. */

import { WORKER_MARKER } from './delivery/worker-marker.js';
import { AuditConfigError } from './errors.js';
import { startFromEnvironment } from './start.js';

// EX_CONFIG of sysexits.h: an operator's script can tell a wrong configuration from a crash.
const EXIT_CONFIG = 78;

// The delivery worker inherits the preload; it must not audit itself.
if (process.env[WORKER_MARKER] === undefined) register();

function register(): void {
  try {
    startFromEnvironment();
  } catch (error) {
    if (!(error instanceof AuditConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}
