/** Says where an address is, from MaxMind-format files in memory. Never from the network; never delays a request. */

import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { messageOf } from '../errors.js';
import { createRecent } from '../recent.js';
import type { AuditGeo } from '../record.js';

export interface GeoLookup {
  /** Undefined for an address that no file knows, or before `open`. */
  find(address: string | undefined): AuditGeo | undefined;
  /** Reads the files and follows their replacement. Once. */
  open(): void;
  close(): void;
}

export interface GeoOptions {
  /** Absolute paths; of several files each adds what the ones before it do not say. */
  readonly databases: readonly string[];
  readonly warn: (message: string) => void;
  /** How often the files are looked at, in milliseconds. */
  readonly watchMs?: number | undefined;
}

type Reader = { get(address: string): unknown };

// Clients come back, and a reader decodes the entry anew each time.
const REMEMBERED = 10_000;
// A database is replaced once a day or a week.
const WATCH_MS = 10_000;

export function createGeoLookup({ databases, warn, watchMs = WATCH_MS }: GeoOptions): GeoLookup {
  const readers: (Reader | undefined)[] = databases.map(() => undefined);
  const seen: (string | undefined)[] = databases.map(() => undefined);
  const known = createRecent<AuditGeo | typeof NOWHERE>(REMEMBERED);
  let timer: NodeJS.Timeout | undefined;

  const load = (index: number, content: Buffer): void => {
    readers[index] = createReader(content);
    known.clear();
  };
  const warnOf = (file: string, error: unknown): void =>
    warn(`AUDIT_GEOIP_DATABASE: ${file} cannot be read, what was read before stays in use: ${messageOf(error)}`);

  /** Not `watchFile`: what replaces a file before its first look, it takes for the file. */
  async function look(file: string, index: number): Promise<void> {
    // A file that is gone or empty is about to be replaced.
    const stats = await stat(file).catch(() => undefined);
    if (stats === undefined || stats.size === 0 || signatureOf(stats) === seen[index]) return;
    seen[index] = signatureOf(stats);
    try {
      load(index, await readFile(file));
    } catch (error) {
      warnOf(file, error);
    }
  }

  return {
    open() {
      if (timer !== undefined || databases.length === 0) return;
      for (const [index, file] of databases.entries()) {
        try {
          seen[index] = signatureOf(statSync(file));
          load(index, readFileSync(file));
        } catch (error) {
          warnOf(file, error);
        }
      }
      timer = setInterval(() => {
        for (const [index, file] of databases.entries()) void look(file, index);
      }, watchMs).unref();
    },
    close() {
      clearInterval(timer);
    },
    find(address) {
      if (address === undefined || databases.length === 0) return undefined;
      let geo = known.get(address);
      if (geo === undefined) {
        geo = lookUp(readers, address) ?? NOWHERE;
        known.set(address, geo);
      }
      return geo === NOWHERE ? undefined : geo;
    },
  };
}

const NOWHERE: unique symbol = Symbol('nowhere');

function signatureOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}

function createReader(content: Buffer): Reader {
  // Loaded here: most services name no database.
  const { Reader: MmdbReader } = require('maxmind') as typeof import('maxmind');
  return new MmdbReader(content);
}

function lookUp(readers: readonly (Reader | undefined)[], address: string): AuditGeo | undefined {
  if (isIP(address) === 0) return undefined;
  const entries = readers.map((reader) => entryOf(reader, address));
  const first = <Value>(read: (entry: object) => Value | undefined): Value | undefined => {
    for (const entry of entries) {
      const value = entry && read(entry);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const geo = { country: first(countryOf), region: first(regionOf), city: first(cityOf), asn: first(asnOf) };
  return Object.values(geo).some((value) => value !== undefined) ? geo : undefined;
}

/** A damaged file throws on some addresses only. */
function entryOf(reader: Reader | undefined, address: string): object | undefined {
  try {
    const entry = reader?.get(address);
    return typeof entry === 'object' && entry !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}

// MaxMind nests (`country.iso_code`); the freely licensed derivatives are flat (`country_code`).
const countryOf = (entry: object): string | undefined =>
  text(entry, 'country', 'iso_code') ?? text(entry, 'country_code') ?? text(entry, 'country');
const regionOf = (entry: object): string | undefined => text(entry, 'subdivisions', '0', 'iso_code') ?? text(entry, 'state1');
const cityOf = (entry: object): string | undefined => text(entry, 'city', 'names', 'en') ?? text(entry, 'city');

function asnOf(entry: object): number | undefined {
  const number = Number(at(entry, 'autonomous_system_number') ?? /^AS(\d+)$/.exec(text(entry, 'asn') ?? '')?.[1]);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

function text(entry: object, ...path: readonly string[]): string | undefined {
  const value = at(entry, ...path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function at(entry: object, ...path: readonly string[]): unknown {
  let value: unknown = entry;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}
