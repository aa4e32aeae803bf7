/** A configuration for tests, with defaults that reach nothing. */

import type { AuditConfig } from '../../src/config.js';

export function makeConfig(changes: Partial<AuditConfig> = {}): AuditConfig {
  return {
    enabled: true,
    mode: 'auto',
    service: { name: 'orders' },
    exporters: [],
    postgres: {},
    azure: {},
    azureLogs: { stream: 'Custom-Audit_CL' },
    otlp: {},

    file: { directory: '/nonexistent', compression: 'none', retainDays: 0 },
    exporterSettings: {},
    journal: { maxBytes: 1e9, write: 'tick', syncIntervalMs: 500, syncBytes: 1e6 },
    delivery: { worker: 'thread', shutdownTimeoutMs: 5000, confirmTimeoutMs: 1000 },
    capture: {
      requestBody: true,
      responseBody: true,
      maxBodyBytes: 10_000,
      spanBodies: 'auto',
      requestIdHeader: 'x-request-id',
      echoRequestId: true,
    },
    redaction: { fields: [] },
    identity: {
      logAnonymous: true,
      directory: '/nonexistent',
      actorTypeAliases: {},
      claims: {},
      sources: [],
      tenantSources: [],
      jwt: { issuers: [], audiences: [] },
      easyAuth: false,
      apiKeyHeader: 'x-api-key',
      apiKeyPrefixLength: 0,
    },
    client: { clientHeader: 'x-forwarded-for', geoDatabases: [] },
    context: { correlationHeaders: [], sessionCookies: [] },
    keys: { journal: [] },
    metrics: {},
    changes: { isEnabled: true, context: 'auto' },
    lifecycle: { heartbeatMs: 0, policyReloadMs: 0 },
    policy: { rules: [], excludePaths: [], delivery: 'async' },
    checkpoints: { intervalMs: 60_000 },
    recordReading: false,
    warnings: [],
    ...changes,
  };
}
