/** The table of built-in exporters, and how a name in `AUDIT_EXPORTER` becomes an exporter. SDKs load only when theirs is created. */

import type { AuditConfig } from '../src/config.js';
import { AuditError } from '../src/errors.js';
import type { AuditExporter, CreateExporter } from '../src/exporter.js';
import { moduleUrl } from '../src/module-url.js';
import { azureFaults } from './azure/connection-string.js';
import type { AzureExporterOptions } from './azure/index.js';
import { credentialFaults, loadCredential } from './azure-credential.js';
import { azureLogsFaults } from './azure-logs/settings.js';
import { otlpFaults, parseHeaders } from './otlp/endpoint.js';
import { addressFaults } from './postgres/address.js';
import { type Probe, probeHttp } from './probe.js';

export { connectToDatabase } from './database.js';

export interface ExporterEntry {
  /** `main`: what it writes to belongs to the service's own thread (stdout, memory). */
  readonly runsOn: 'worker' | 'main';
  create(config: AuditConfig): Promise<AuditExporter>;
  /** What is wrong with its settings, beyond what the configuration itself checks. */
  faultsOf?(config: AuditConfig): readonly string[];
  /** Never rejects. Absent: there is nothing to reach. */
  probe?(config: AuditConfig): Promise<Probe>;
}

export const EXPORTERS: Readonly<Record<string, ExporterEntry>> = {
  postgres: {
    runsOn: 'worker',
    create: async ({ postgres: { url = '', ...access } }) =>
      (await import('./postgres/index.js')).createPostgresExporter({ url, ...access }),
    faultsOf: ({ postgres: { url, ca } }) => (url === undefined ? [] : addressFaults(url, ca)),
    probe: async ({ postgres: { url = '', ...access } }) => (await import('./postgres/probe.js')).probePostgres({ url, ...access }),
  },
  azure: {
    runsOn: 'worker',
    create: async ({ azure }) => (await import('./azure/index.js')).createAzureExporter(azureOptions(azure)),
    // That there is none the configuration says itself.
    faultsOf: ({ azure: { connectionString, credential } }) => [
      ...(connectionString === undefined ? [] : azureFaults(connectionString, credential)),
      ...credentialFaults(credential),
    ],
    probe: async ({ azure: { connectionString = '' } }) => (await import('./azure/probe.js')).probeAzure(connectionString),
  },
  'azure-logs': {
    runsOn: 'worker',
    create: async ({ azure, azureLogs: { endpoint = '', ruleId = '', stream } }) =>
      (await import('./azure-logs/index.js')).createAzureLogsExporter({
        endpoint,
        ruleId,
        stream,
        credential: loadCredential(azure.credential ?? 'default'),
      }),
    faultsOf: ({ azure, azureLogs: { endpoint = '', ruleId = '', stream } }) => [
      ...azureLogsFaults({ endpoint, ruleId, stream }),
      ...credentialFaults(azure.credential ?? 'default'),
    ],
    probe: async ({ azureLogs: { endpoint = '' } }) => probeHttp(endpoint),
  },
  otlp: {
    runsOn: 'worker',
    create: async ({ otlp: { endpoint = '', secretHeaders = '' } }) =>
      (await import('./otlp/index.js')).createOtlpExporter({ endpoint, headers: parseHeaders(secretHeaders) }),
    faultsOf: ({ otlp: { endpoint, secretHeaders = '' } }) =>
      endpoint === undefined
        ? ['AUDIT_OTLP_ENDPOINT: the otlp exporter needs it; set it to http://collector:4318']
        : otlpFaults(endpoint, secretHeaders),
    probe: async ({ otlp: { endpoint = '' } }) => probeHttp(new URL(endpoint).origin),
  },
  console: { runsOn: 'main', create: async () => (await import('./console/index.js')).createConsoleExporter() },
  file: { runsOn: 'worker', create: async (config) => (await import('./file/index.js')).createFileExporter(config.file) },
};

function azureOptions({ connectionString = '', credential, signals = ['events'], tags = [] }: AuditConfig['azure']): AzureExporterOptions {
  return {
    connectionString,
    signals,
    userTag: tags.includes('user'),
    clientAddressTag: tags.includes('client-address'),
    ...(credential === undefined ? {} : { credential: loadCredential(credential) }),
  };
}

/** What is wrong with the settings of the exporters that the configuration names. */
export function exporterFaults(config: AuditConfig): readonly string[] {
  return config.exporters.flatMap((name) => builtIn(name)?.faultsOf?.(config) ?? []);
}

/** Where an exporter runs; modules run in the worker. */
export function runsOn(name: string): 'worker' | 'main' {
  return builtIn(name)?.runsOn ?? 'worker';
}

/**
 * A built-in by its name, else a module path or package, found from the working directory.
 * @throws {AuditError} ERR_AUDIT_EXPORTER if there is none, or if the module does not export `createExporter`.
 */
export async function createExporterByName(name: string, config: AuditConfig): Promise<AuditExporter> {
  const entry = builtIn(name);
  if (entry !== undefined) return entry.create(config);
  const createExporter = await loadExporterModule(name);
  const exporter = await createExporter({ serviceName: config.service.name, settings: config.exporterSettings[name] ?? {} });
  if (!isExporter(exporter))
    throw new AuditError('ERR_AUDIT_EXPORTER', `AUDIT_EXPORTER: createExporter of ${name} gave no exporter (name, export, shutdown)`);
  return exporter;
}

export function isBuiltIn(name: string): boolean {
  return Object.hasOwn(EXPORTERS, name);
}

/** @throws {AuditError} ERR_AUDIT_EXPORTER if there is no such module, if it fails, or if it does not export `createExporter`. */
export async function loadExporterModule(name: string): Promise<CreateExporter> {
  const createExporter = createExporterOf(await load(name));
  if (createExporter === undefined)
    throw new AuditError('ERR_AUDIT_EXPORTER', `AUDIT_EXPORTER: the module ${name} exports no function createExporter`);
  return createExporter;
}

/** Whether the sink is there; a module is only loaded and closed. Never rejects. */
export async function probeExporter(name: string, config: AuditConfig): Promise<Probe> {
  const entry = builtIn(name);
  try {
    if (entry !== undefined) return (await entry.probe?.(config)) ?? { reachable: true, findings: [] };
    await (await createExporterByName(name, config)).shutdown();
    return { reachable: true, findings: ['the module gives an exporter'] };
  } catch (error) {
    return { reachable: false, findings: [error instanceof AuditError ? error.message : kindOf(error)] };
  }
}

function builtIn(name: string): ExporterEntry | undefined {
  return isBuiltIn(name) ? EXPORTERS[name] : undefined;
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(moduleUrl(name, process.cwd()) ?? name);
  } catch (cause) {
    throw new AuditError(
      'ERR_AUDIT_EXPORTER',
      // The error's own message may quote a secret.
      `AUDIT_EXPORTER: the module ${name} cannot be loaded (${kindOf(cause)}); node -e "import('${name}')" shows why`,
      { cause },
    );
  }
}

function createExporterOf(module: unknown): CreateExporter | undefined {
  const exports = module as { readonly createExporter?: unknown; readonly default?: { readonly createExporter?: unknown } };
  // A CommonJS module whose exports are made at run time has them under `default` only.
  const candidate = exports.createExporter ?? exports.default?.createExporter;
  return typeof candidate === 'function' ? (candidate as CreateExporter) : undefined;
}

function isExporter(value: unknown): value is AuditExporter {
  if (value === null || typeof value !== 'object') return false;
  const { name, export: send, shutdown } = value as Partial<AuditExporter>;
  return typeof name === 'string' && typeof send === 'function' && typeof shutdown === 'function';
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'not an Error';
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
