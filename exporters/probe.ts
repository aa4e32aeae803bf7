/** Asks a sink whether it is there and what it will hold, without writing to it. */

export interface Probe {
  readonly reachable: boolean;
  /** What was found, a sentence each; names no secret. */
  readonly findings: readonly string[];
}

const TIMEOUT_MS = 5000;

/** Whether an HTTP endpoint answers; it is sent nothing. Never rejects. */
export async function probeHttp(endpoint: string): Promise<Probe> {
  try {
    const { status } = await fetch(`${endpoint}/`, { method: 'HEAD', signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' });
    return { reachable: true, findings: [`${endpoint} answers (${status})`] };
  } catch (error) {
    const { cause, name } = error as { readonly cause?: { readonly code?: string }; readonly name?: string };
    return { reachable: false, findings: [`${endpoint} does not answer (${cause?.code ?? name ?? 'unknown'})`] };
  }
}
