/** The package.json of the service, of which the trail has its name and version, and the mode its telemetry SDKs. */

import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The name and version in the package.json nearest to `directory`, upwards. */
export function nearestPackage(directory: string): PackageManifest {
  for (let current = directory; ; current = path.dirname(current)) {
    const manifest = readPackage(path.join(current, 'package.json'));
    if (manifest !== undefined) return manifest;
    if (current === path.dirname(current)) return {};
  }
}

export interface PackageManifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readPackage(file: string): PackageManifest | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PackageManifest;
  } catch {
    return undefined;
  }
}
