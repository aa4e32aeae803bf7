/** A Microsoft Entra token in place of a password, for Azure Database for PostgreSQL. */

import { AuditError } from '../../src/errors.js';

const SCOPE = 'https://ossrdbms-aad.database.windows.net/.default';

/** Part of `TokenCredential` of `@azure/identity`. */
interface Credential {
  getToken(scope: string): Promise<{ readonly token: string } | null>;
}

/** Asked at every connection; the credential keeps a token until shortly before its end. */
export function createEntraPassword(): () => Promise<string> {
  let credential: Credential | undefined;
  return async () => {
    credential ??= await loadCredential();
    const token = await credential.getToken(SCOPE);
    if (token === null) throw new AuditError('ERR_AUDIT_EXPORTER', 'AUDIT_POSTGRES_CREDENTIAL: Microsoft Entra gave no token');
    return token.token;
  };
}

/** An optional peer: only those who use it install it. */
async function loadCredential(): Promise<Credential> {
  try {
    const { DefaultAzureCredential } = await import('@azure/identity');
    return new DefaultAzureCredential();
  } catch (cause) {
    throw new AuditError('ERR_AUDIT_EXPORTER', 'AUDIT_POSTGRES_CREDENTIAL: entra needs the package @azure/identity', { cause });
  }
}
