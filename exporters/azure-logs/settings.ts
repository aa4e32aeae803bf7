/** Checks where the rows go to, before anything is sent there. */

import { isInstalled, missing } from '../azure-credential.js';

export interface LogsPlace {
  readonly endpoint: string;
  readonly ruleId: string;
  readonly stream: string;
}

const INGESTION = '@azure/monitor-ingestion';

/** All that is wrong; no value is repeated. */
export function azureLogsFaults({ endpoint, ruleId, stream }: LogsPlace): readonly string[] {
  const faults: string[] = [];
  if (!URL.canParse(endpoint) || new URL(endpoint).protocol !== 'https:')
    faults.push("AUDIT_AZURE_LOGS_ENDPOINT: must be an https URL; it is the rule's logs ingestion endpoint");
  if (!/^dcr-[0-9a-f]{32}$/.test(ruleId))
    faults.push("AUDIT_AZURE_LOGS_RULE_ID: must be the rule's immutable id, dcr- and 32 hexadecimal digits, not its name");
  if (!/^Custom-\w{1,60}$/.test(stream)) faults.push('AUDIT_AZURE_LOGS_STREAM: must be the name of a stream of the rule: Custom-Audit_CL');
  if (!isInstalled(INGESTION)) faults.push(missing(INGESTION, 'AUDIT_EXPORTER'));
  return faults;
}

/** Tokens are for the cloud the endpoint is in. */
export function audienceOf(endpoint: string): string {
  const { hostname } = new URL(endpoint);
  const cloud = ['us', 'cn'].find((ending) => hostname.endsWith(`.monitor.azure.${ending}`)) ?? 'com';
  return `https://monitor.azure.${cloud}`;
}
