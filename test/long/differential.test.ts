import { describeDifferential } from '../support/differential-suite.js';

describeDifferential('http', 10_000);
for (const delivery of ['confirmed', 'strict'] as const) describeDifferential('http', 10_000, delivery);
for (const protocol of ['https', 'h2-http1', 'h2', 'h2c'] as const) describeDifferential(protocol, 1000);
