import { describeDifferential } from '../support/differential-suite.js';

for (const protocol of ['http', 'h2', 'h2c'] as const) {
  for (const delivery of ['async', 'confirmed', 'strict'] as const) describeDifferential(protocol, 10_000, delivery);
}
for (const protocol of ['https', 'h2-http1'] as const) describeDifferential(protocol, 1000);
