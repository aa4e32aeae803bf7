/** Entra ID for the Azure exporters: `AUDIT_AZURE_CREDENTIAL` becomes a credential of `@azure/identity`, which loads only then. */

import type { TokenCredential } from '@azure/identity';
import { AuditError } from '../src/errors.js';

const SETTING = 'AUDIT_AZURE_CREDENTIAL';
const PACKAGE = '@azure/identity';

/** What keeps the service from getting a token, as far as it shows before one is asked for. */
export function credentialFaults(setting: string | undefined): readonly string[] {
  return setting === undefined || isInstalled(PACKAGE) ? [] : [missing(PACKAGE, SETTING)];
}

/** For a package that is the service's to install: whether it is there. */
export function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

export function missing(name: string, setting: string): string {
  return `${setting}: needs the package ${name}, which is not installed; run npm install ${name}`;
}

/**
 * `default`: whatever the environment offers, in the order of `DefaultAzureCredential`. `managed-identity`: the system-assigned one.
 * `managed-identity:<id>`: a user-assigned one, by client id or by resource id.
 *
 * @throws {AuditError} ERR_AUDIT_EXPORTER when `@azure/identity` is not installed.
 */
export function loadCredential(setting: string): TokenCredential {
  const { DefaultAzureCredential, ManagedIdentityCredential } = load();
  if (setting === 'default') return new DefaultAzureCredential();
  const id = setting.slice(setting.indexOf(':') + 1);
  if (!setting.includes(':')) return new ManagedIdentityCredential();
  return id.startsWith('/') ? new ManagedIdentityCredential({ resourceId: id }) : new ManagedIdentityCredential({ clientId: id });
}

function load(): typeof import('@azure/identity') {
  try {
    return require(PACKAGE) as typeof import('@azure/identity');
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_EXPORTER', missing(PACKAGE, SETTING), { cause });
  }
}
