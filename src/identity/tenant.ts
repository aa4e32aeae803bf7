/** The tenant that a header names. Set by the caller; unverified unless a gateway sets or strips it. */

import type { AuditTenant } from '../record.js';
import type { IdentityRequest } from './identity.js';

export function headerTenant(request: IdentityRequest, headerName: string): AuditTenant | undefined {
  const value = request.headers[headerName];
  return typeof value === 'string' && value !== '' ? { id: value } : undefined;
}
