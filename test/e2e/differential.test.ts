import { describeDifferential } from '../support/differential-suite.js';

// 92,000 in test/long.
describeDifferential('http', 300);
for (const protocol of ['https', 'h2-http1'] as const) describeDifferential(protocol, 60);
for (const delivery of ['confirmed', 'strict'] as const) describeDifferential('http', 300, delivery);
// These are up to three streams each.
for (const protocol of ['h2', 'h2c'] as const) describeDifferential(protocol, 30);
for (const delivery of ['confirmed', 'strict'] as const) describeDifferential('h2', 30, delivery);
