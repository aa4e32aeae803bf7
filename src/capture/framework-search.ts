/**
 * Finds Koa, hapi and Hono among the modules that the service has loaded, and has each tell which of its objects handles
 * a request. No loader hook: a method that is called once a request is looked up on its prototype each time.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { followHapi } from './hapi-route.js';
import { followHono } from './hono-route.js';
import { followKoa } from './koa-route.js';

export interface FrameworkSearchOptions {
  /** The service's CommonJS modules: `require.cache`. */
  readonly modules: Readonly<Record<string, { readonly exports: unknown } | undefined>>;
  /** Of the service's entry script. */
  readonly directory: string;
  /** Node's request that is handled here and now. */
  readonly currentRequest: () => object | undefined;
}

export interface FrameworkSearch {
  /** When a server listens: its application is loaded by then. */
  search(): void;
  /** Once more at the first request, for an application that is loaded after that. */
  searchAtFirstRequest(): void;
}

export function createFrameworkSearch({ modules, directory, currentRequest }: FrameworkSearchOptions): FrameworkSearch {
  const followed = new WeakSet<object>();
  const follow = (by: (exported: unknown, currentRequest: () => object | undefined) => void, exported: unknown): void => {
    if (!isModule(exported) || followed.has(exported)) return;
    followed.add(exported);
    try {
      by(exported, currentRequest);
    } catch {
      // A module of another shape is another version's: its routes stay unknown.
    }
  };
  let hadRequest = false;
  const search = (): void => {
    for (const name of Object.keys(modules)) {
      const found = FRAMEWORKS.find(([file]) => file.test(name));
      if (found !== undefined) follow(found[1], modules[name]?.exports);
    }
    // Never rejects, and nobody waits for it.
    void importHono(directory).then((module) => follow(followHono, module));
  };
  return {
    search,
    searchAtFirstRequest() {
      if (!hadRequest) search();
      hadRequest = true;
    },
  };
}

// The folders are the packages' own: any version and any copy is found.
const FRAMEWORKS = [
  [/[\\/]node_modules[\\/]koa[\\/]lib[\\/]application\.js$/, followKoa],
  [/[\\/]node_modules[\\/]@hapi[\\/]hapi[\\/]lib[\\/]request\.js$/, followHapi],
  [/[\\/]node_modules[\\/]hono[\\/]dist[\\/]cjs[\\/]router[\\/]smart-router[\\/]router\.js$/, followHono],
] as const;

/**
 * No list tells which ES modules are loaded, but importing one again gives the same module, before the next event. A service
 * that has Hono and does not use it gets these hundred lines, which do nothing.
 */
async function importHono(directory: string): Promise<unknown> {
  try {
    const commonjs = createRequire(path.join(directory, 'package.json')).resolve('hono/router/smart-router');
    // Hono itself imports this file, not always the index.
    const file = path.join(path.dirname(commonjs).replace(/([\\/]dist)[\\/]cjs(?=[\\/])/, '$1'), 'router.js');
    return existsSync(file) ? await import(pathToFileURL(file).href) : undefined;
  } catch {
    return undefined;
  }
}

function isModule(exported: unknown): exported is object {
  return (typeof exported === 'object' && exported !== null) || typeof exported === 'function';
}
