/** Where the exporter module that a configuration names lies. */

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** As `require` finds it from `directory`, as something to `import`; undefined if there is no such module. */
export function moduleUrl(name: string, directory: string): string | undefined {
  try {
    return pathToFileURL(createRequire(path.join(directory, 'package.json')).resolve(name)).href;
  } catch (error) {
    // A package that exports for import only: npm puts it where our own import() finds it.
    return error instanceof Error && 'code' in error && error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? name : undefined;
  }
}
