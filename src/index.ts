/** The public API: for services that add to their trail, wire their own SDK, or bring an exporter. */

export {
  type ActorInput,
  type AnyActions,
  type Audit,
  type AuditContext,
  type AuditEvent,
  type AuditEventOf,
  type AuditReceipt,
  addIdentitySource,
  addMetadata,
  addTenantSource,
  audit,
  auditHealth,
  type CurrentAudit,
  currentAudit,
  flushAudit,
  type IdentitySource,
  type LoginEvent,
  setAction,
  setActor,
  setOutcome,
  setTarget,
  setTenant,
  skipAudit,
  type TenantInput,
  type TenantSource,
} from './api.js';
export { ATTRIBUTES, type AttributeDefinition, FLAGGED } from './attributes.js';
export { canonicalize } from './canonical.js';
export type { AuditHttpHooks } from './capture/hooks.js';
export type { AuditConfig } from './config.js';
export { AuditConfigError, AuditError, type AuditErrorCode } from './errors.js';
export type { Acknowledgement, AuditExporter, CreateExporter, CustomExporterOptions } from './exporter.js';
export type { AuditHealth, CaptureCounters, ExporterCounters } from './health.js';
export type { SourceRequest } from './identity/custom.js';
export { type AuditHandle, auditHttpHooks, type StartOptions, startAudit } from './library.js';
export type { PolicyLevel, PolicyMatch, PolicyRule, PolicyTarget } from './policy-rule.js';
export type {
  AuditActor,
  AuditBody,
  AuditClient,
  AuditFailure,
  AuditGeo,
  AuditIntegrity,
  AuditRecord,
  AuditRequest,
  AuditResponse,
  AuditService,
  AuditTarget,
  AuditTenant,
  AuditTrace,
  BodyFormat,
  BodyOmission,
  JournalledRecord,
  JsonObject,
  JsonValue,
  Outcome,
  RecordKind,
} from './record.js';
export { toAttributes } from './record-attributes.js';
export { createRedactor, type RedactionAction, type RedactionOptions, type RedactionRule } from './redaction/index.js';
export type { CapturedBody, RedactedBody, Redactor } from './redaction/redactor.js';
export { AuditLogRecordProcessor } from './telemetry/log-processor.js';
export { AuditSampler } from './telemetry/sampler.js';
export { AuditSpanProcessor } from './telemetry/span-processor.js';
