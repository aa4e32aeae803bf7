/** What `AUDIT_PROMETHEUS` may say. */

export type PrometheusTarget = { readonly file: string } | { readonly host: string; readonly port: number };

/** Undefined: it is none of the three. */
export function prometheusTarget(text: string): PrometheusTarget | undefined {
  if (text.endsWith('.prom')) return { file: text.replaceAll('%p', String(process.pid)) };
  const match = /^(?:(\[[\da-fA-F:]+\]|[\w.-]+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match === null || port > 65_535 ? undefined : { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}
