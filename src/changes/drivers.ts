/** The drivers whose connections carry contexts by themselves, once they are loaded. */

import type { Carrier } from './carrier.js';
import { patchPgClient, patchPgPool } from './pg-context.js';
import type { PgClient } from './pg-types.js';
import { carryInPostgresJs, type PostgresSql } from './postgres-js-context.js';
import type { Driver } from './reach.js';

export interface PgModule {
  readonly Client: { readonly prototype: PgClient };
  readonly Pool?: { readonly prototype: object } | undefined;
}

export function knownDrivers(carrier: Carrier): readonly Driver[] {
  return [
    { file: /[\\/]pg[\\/]lib[\\/]index\.js$/, patch: (exports) => patchPg(exports as PgModule, carrier) },
    // Its ES module cannot be reached from outside: `auditPostgres` does it by hand.
    { file: /[\\/]postgres[\\/]cjs[\\/]src[\\/]index\.js$/, patch: (exports) => carriedPostgres(exports as PostgresFactory, carrier) },
  ];
}

export function patchPg({ Client, Pool }: PgModule, carrier: Carrier): void {
  patchPgClient(Client.prototype, carrier);
  // `pg.Pool` is a subclass made on the spot; others of the same package may be made elsewhere.
  for (let prototype = Pool?.prototype; prototype !== undefined && prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    if (Object.hasOwn(prototype, 'connect')) patchPgPool(prototype as Parameters<typeof patchPgPool>[0]);
  }
}

type PostgresFactory = (...args: readonly unknown[]) => PostgresSql;

function carriedPostgres(factory: PostgresFactory, carrier: Carrier): PostgresFactory {
  return new Proxy(factory, {
    apply: (target, self, args) => carryInPostgresJs(Reflect.apply(target, self, args) as PostgresSql, carrier),
  });
}
