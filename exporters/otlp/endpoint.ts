/** Where log records are posted to, from what a configuration says. */

const LOGS_PATH = '/v1/logs';

/** `http://collector:4318` becomes `http://collector:4318/v1/logs`, as for `OTEL_EXPORTER_OTLP_ENDPOINT`; a whole address stays as it is. */
export function logsUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (!url.pathname.endsWith(LOGS_PATH)) url.pathname = `${url.pathname.replace(/\/$/, '')}${LOGS_PATH}`;
  return url.href;
}

/** @returns the faults of both settings, in words that repeat no value. */
export function otlpFaults(endpoint: string, headers: string): readonly string[] {
  const faults: string[] = [];
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    faults.push('AUDIT_OTLP_ENDPOINT: must be a URL of the form http://collector:4318');
  } else if (new URL(endpoint).username !== '') faults.push('AUDIT_OTLP_ENDPOINT: must hold no user name; use AUDIT_OTLP_HEADERS');
  if (parseHeaders(headers) === undefined) faults.push('AUDIT_OTLP_HEADERS: must be of the form name=value,name=value');
  return faults;
}

/** W3C Baggage form, as `OTEL_EXPORTER_OTLP_HEADERS`: pairs between commas, values percent-encoded. Undefined: not of that form. */
export function parseHeaders(text: string): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim().toLowerCase();
    const value = decode(pair.slice(equals + 1).trim());
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || value === undefined || !/^[\t\x20-\x7e]*$/.test(value)) return undefined;
    headers[name] = value;
  }
  return headers;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
