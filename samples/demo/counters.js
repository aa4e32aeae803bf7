// Preloaded next to otel-audit by the demo: leaves the counters in a file when the service ends.
'use strict';

const { writeFileSync } = require('node:fs');
const { auditHealth } = require('../../dist/src/index.js');

process.on('exit', () => writeFileSync(process.env.DEMO_COUNTERS_FILE, JSON.stringify(auditHealth())));
