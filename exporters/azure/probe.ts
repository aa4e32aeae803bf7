/** Asks whether the ingestion endpoint answers. Sends no telemetry; whether the key is accepted only a delivery tells. */

import { type Probe, probeHttp } from '../probe.js';
import { parseConnectionString } from './connection-string.js';

export async function probeAzure(connectionString: string): Promise<Probe> {
  return probeHttp(parseConnectionString(connectionString).ingestionEndpoint);
}
