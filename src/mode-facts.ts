/**
 * Reads from this process what the choice of the mode depends on. Changes nothing. Once a pipeline of ours lives, what is
 * registered or wrapped in this process may be our own and is not counted.
 */

import { EventEmitter } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import type { AuditMode } from './config.js';
import { livePipeline } from './live.js';
import { nearestPackage } from './package-manifest.js';
import { hasOtelGlobal } from './telemetry/host-span.js';
import type { ModeFacts } from './telemetry/mode.js';

/** Where the service's package.json is looked for: beside its entry script, else in the working directory. */
export function entryDirectory(entry: string | undefined): string {
  return entry === undefined ? process.cwd() : path.dirname(path.resolve(entry));
}

export function readModeFacts(configured: AuditMode, directory: string): ModeFacts {
  return {
    configured,
    manifest: nearestPackage(directory),
    nodeArguments: [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)],
    hasOtelGlobal: livePipeline() === undefined && hasOtelGlobal(),
    hasWrappedServer: hasWrappedServer(),
  };
}

/** Somebody else has wrapped the servers' `emit`. */
export function hasWrappedServer(): boolean {
  return livePipeline() === undefined && http.Server.prototype.emit !== EventEmitter.prototype.emit;
}
