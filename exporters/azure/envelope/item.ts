/** One telemetry item on its way: what the SDK makes the envelope of, and the `customDimensions` that go into it as they are. */

export interface AuditItem {
  readonly convertible: { readonly attributes: Readonly<Record<string, string | number>> };
  /** JSON text of an object of strings. */
  readonly properties: string;
}
