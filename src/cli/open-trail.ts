/** Which trail a command means: the database or file it was given, else the one that the configuration writes to. */

import { statSync } from 'node:fs';
import { AuditConfigError } from '../errors.js';
import { isAzureExport, openAzureTrail } from '../trail/azure-trail.js';
import { openFileTrail } from '../trail/file-trail.js';
import { openPostgresTrail } from '../trail/postgres-trail.js';
import type { Trail } from '../trail/trail.js';
import type { CommandContext } from './context.js';

type OpenContext = Pick<CommandContext, 'access' | 'config' | 'useKeys'>;

/**
 * `place`: a database URL, a directory, or a file of JSON Lines or of an Azure export.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG if none is given and none is configured
 * @throws {AuditError} ERR_AUDIT_TRAIL if it cannot be read
 */
export async function openTrail(place: string | undefined, { access, config, useKeys }: OpenContext): Promise<Trail> {
  useKeys();
  if (place !== undefined) return openPlace(place, access);
  const { exporters, postgres, file } = config();
  if (exporters.includes('postgres') && postgres.url !== undefined) return openPostgresTrail(access());
  if (exporters.includes('file')) return openFileTrail(file.directory);
  throw new AuditConfigError(['no trail to read: name a database, a directory or a file, or set AUDIT_POSTGRES_URL or AUDIT_FILE_DIR']);
}

function openPlace(place: string, access: CommandContext['access']): Promise<Trail> | Trail {
  if (/^postgres(?:ql)?:\/\//.test(place)) return openPostgresTrail(access(place));
  const isFile = statSync(place, { throwIfNoEntry: false })?.isFile() === true;
  return isFile && isAzureExport(place) ? openAzureTrail(place) : openFileTrail(place);
}
