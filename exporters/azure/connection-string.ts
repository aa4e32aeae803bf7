/** Reads an Application Insights connection string. Stricter than the SDK, which drops a faulty one whole and says nothing. */

import { isIPv4 } from 'node:net';
import { AuditConfigError } from '../../src/errors.js';

export interface AzureConnection {
  readonly instrumentationKey: string;
  /** Without a trailing slash. */
  readonly ingestionEndpoint: string;
  /** Plain http, to this machine. */
  readonly insecure: boolean;
  /** Whom Entra tokens are for, where the cloud has its own. */
  readonly aadAudience?: string | undefined;
}

const SETTING = 'AUDIT_AZURE_CONNECTION_STRING';
const DEFAULT_ENDPOINT = 'https://dc.services.visualstudio.com';
const KEY = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Plain http is accepted only to 127.0.0.0/8, ::1 and localhost.
 *
 * @throws {AuditConfigError} ERR_AUDIT_CONFIG with every fault; no value is repeated.
 */
export function parseConnectionString(connectionString: string): AzureConnection {
  const faults: string[] = [];
  const fields = fieldsOf(connectionString, faults);
  // The SDK takes lower-case keys only, the portal and scripts give both.
  const instrumentationKey = (fields.get('instrumentationkey') ?? '').toLowerCase();
  if (instrumentationKey === '')
    faults.push(`${SETTING}: InstrumentationKey is missing; copy the whole string from the resource's overview page`);
  else if (!KEY.test(instrumentationKey)) faults.push(`${SETTING}: InstrumentationKey is not a GUID`);
  const endpoint = endpointOf(fields, faults);
  if (faults.length > 0 || endpoint === undefined) throw new AuditConfigError(faults);
  return {
    instrumentationKey,
    ingestionEndpoint: `${endpoint.origin}${endpoint.pathname.replace(/\/+$/, '')}`,
    insecure: endpoint.protocol === 'http:',
    aadAudience: fields.get('aadaudience') ?? cloudAudience(endpoint.hostname),
  };
}

/** The same as a list, for the check at the start; `credential`: there is one. */
export function azureFaults(connectionString: string, credential: unknown): readonly string[] {
  try {
    const { insecure } = parseConnectionString(connectionString);
    return insecure && credential !== undefined ? [INSECURE_TOKEN] : [];
  } catch (error) {
    if (error instanceof AuditConfigError) return error.faults;
    throw error;
  }
}

const INSECURE_TOKEN = 'AUDIT_AZURE_CREDENTIAL: a token is sent over https only, IngestionEndpoint is plain http';

function fieldsOf(connectionString: string, faults: string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  connectionString.split(';').forEach((field, index) => {
    if (field.trim() === '') return;
    const equals = field.indexOf('=');
    if (equals < 1) faults.push(`${SETTING}: part ${index + 1} is not Name=value`);
    else fields.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1).trim());
  });
  return fields;
}

function endpointOf(fields: ReadonlyMap<string, string>, faults: string[]): URL | undefined {
  const text = fields.get('ingestionendpoint') ?? suffixEndpoint(fields) ?? DEFAULT_ENDPOINT;
  if (!URL.canParse(text)) {
    faults.push(`${SETTING}: IngestionEndpoint is not a URL`);
    return undefined;
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '') faults.push(`${SETTING}: IngestionEndpoint must be a bare URL`);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    faults.push(`${SETTING}: IngestionEndpoint must be https, except on this machine`);
  else if (url.protocol !== 'http:' && url.protocol !== 'https:') faults.push(`${SETTING}: IngestionEndpoint must be an https URL`);
  return url;
}

function suffixEndpoint(fields: ReadonlyMap<string, string>): string | undefined {
  const suffix = fields.get('endpointsuffix');
  if (suffix === undefined) return undefined;
  const location = fields.get('location');
  return `https://${location === undefined ? '' : `${location}.`}dc.${suffix}`;
}

/** The sovereign clouds', for strings that do not say. */
function cloudAudience(hostname: string): string | undefined {
  if (hostname.endsWith('.applicationinsights.us')) return 'https://monitor.azure.us';
  return hostname.endsWith('.applicationinsights.azure.cn') ? 'https://monitor.azure.cn' : undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}
