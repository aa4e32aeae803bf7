/** The part of an OpenTelemetry span that audit touches, typed structurally: hosts bring their own copy of the API. */

export interface AuditSpan {
  isRecording(): boolean;
  spanContext(): { readonly traceId: string; readonly spanId: string };
  setAttributes(attributes: Record<string, string | number | boolean | readonly string[]>): unknown;
}
