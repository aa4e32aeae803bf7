/** A source that is a module by name or path, which exports `identify(request)`, `tenantOf(request)` or both. */

import { nameOf } from '../errors.js';
import { memberOf } from './claims.js';
import { type CustomSource, createCustomSource } from './custom.js';

/** Loads a module by its name or path. */
export type LoadModule = (name: string) => unknown;

/** Loaded with the first request: at the preload's time nothing of the service may be loaded. A module that fails has no answers. */
export function createModuleSource(name: string, load: LoadModule, warn: (message: string) => void): CustomSource {
  let module: unknown;
  let isLoaded = false;
  const loadOnce = (): unknown => {
    if (!isLoaded) {
      isLoaded = true;
      module = loadOrWarn(name, load, warn);
    }
    return module;
  };
  return createCustomSource(
    (member) => [memberOf(loadOnce(), member) ?? memberOf(memberOf(loadOnce(), 'default'), member)],
    (fault) => warn(`the identity source ${name} ${fault}`),
  );
}

function loadOrWarn(name: string, load: LoadModule, warn: (message: string) => void): unknown {
  try {
    return load(name);
  } catch (error) {
    warn(`the identity source ${name} cannot be loaded and has no answers: ${nameOf(error)}`);
    return undefined;
  }
}
