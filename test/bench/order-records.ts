/** Records as a shop's service makes them, all different, with two bodies of about 900 bytes each. */

import type { AuditRecord } from '../../src/record.js';
import { exampleRecord } from '../../src/testing/records.js';

export function orderRecord(n: number): AuditRecord {
  const items = Array.from({ length: 9 }, (_, k) => ({
    sku: `SKU-${n * 7 + k * 13}`,
    title: `Article ${(n * k * 31) % 997} in blue`,
    price: n / 100 + k,
    quantity: k + 1,
  }));
  const body = JSON.stringify({ id: n, items, card: '[REDACTED]' });
  const transferred = { contentType: 'application/json', body, bodyFormat: 'json' as const, bodySize: body.length };
  return exampleRecord(n, {
    request: { id: `r-${n}`, method: 'POST', path: '/api/orders', route: '/api/orders', ...transferred },
    response: { status: 201, ...transferred },
  });
}
