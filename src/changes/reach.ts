/**
 * Finds the database drivers that a service loads, whoever loads them: `require` of the package or of its files, and `import`, which
 * loads CommonJS by the same function. What is bundled, or a module of its own kind, is not found.
 */

import Module from 'node:module';

export interface Driver {
  /** Of its main file, behind its folder: `pg/lib/index.js`. */
  readonly file: RegExp;
  /** Called with the module's exports at least once; may answer others in their place. */
  readonly patch: (exports: unknown) => unknown;
}

type Load = (this: unknown, request: string, parent: unknown, isMain: boolean) => unknown;
type Internals = {
  _load: Load;
  _cache: Record<string, { exports: unknown } | undefined>;
  _resolveFilename(request: string, parent: unknown): string;
};

/** `onError` gets what goes wrong in a patch; the service gets its driver as it is. */
export function reachDrivers(drivers: readonly Driver[], onError: (error: unknown) => void): void {
  const internals = Module as unknown as Internals;
  const patched = new Map<unknown, unknown>();
  const patch = (driver: Driver, exports: unknown): unknown => {
    if (!patched.has(exports)) {
      try {
        patched.set(exports, driver.patch(exports) ?? exports);
      } catch (error) {
        patched.set(exports, exports);
        onError(error);
      }
    }
    return patched.get(exports);
  };
  const load = internals._load;
  internals._load = function auditedLoad(request, parent, isMain) {
    const exports = Reflect.apply(load, this, [request, parent, isMain]);
    const driver = driverOf(request, parent, drivers, internals);
    return driver === undefined ? exports : patch(driver, exports);
  };
  // Loaded before us, by another preload.
  for (const [file, module] of Object.entries(internals._cache)) {
    const driver = drivers.find((candidate) => candidate.file.test(file));
    if (driver !== undefined && module !== undefined) patch(driver, module.exports);
  }
}

/** Names are compared first: resolving one costs a look at the disk. */
function driverOf(request: string, parent: unknown, drivers: readonly Driver[], internals: Internals): Driver | undefined {
  if (!/(?:^|[\\/])(?:pg|postgres)(?:$|[\\/])/.test(request)) return undefined;
  try {
    const file = internals._resolveFilename(request, parent);
    return drivers.find((driver) => driver.file.test(file));
  } catch {
    return undefined;
  }
}
