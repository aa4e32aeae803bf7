/** Asks whether the ingestion endpoint answers. Sends no telemetry; whether the key is accepted only a delivery tells. */

import type { Probe } from '../probe.js';
import { parseConnectionString } from './connection-string.js';

const TIMEOUT_MS = 5000;

export async function probeAzure(connectionString: string): Promise<Probe> {
  const { ingestionEndpoint } = parseConnectionString(connectionString);
  try {
    const { status } = await fetch(`${ingestionEndpoint}/`, {
      method: 'HEAD',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'manual',
    });
    return { reachable: true, findings: [`${ingestionEndpoint} answers (${status})`] };
  } catch (error) {
    const { cause, name } = error as { readonly cause?: { readonly code?: string }; readonly name?: string };
    return { reachable: false, findings: [`${ingestionEndpoint} does not answer (${cause?.code ?? name ?? 'unknown'})`] };
  }
}
