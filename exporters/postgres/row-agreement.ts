/** Whether a row's columns say what its record says: whoever changes a column can leave in `rest` what it said. */

import { isIP, SocketAddress } from 'node:net';
import { canonicalize } from '../../src/canonical.js';
import type { JournalledRecord } from '../../src/record.js';
import type { ColumnType } from './columns.js';
import { ROW_COLUMNS, type Row, toRow } from './row.js';

/** `record`: as `fromRow` made it of the row. True if the exporter would have stored it so. */
export function agreesWithColumns(row: Readonly<Record<string, unknown>>, record: JournalledRecord): boolean {
  return isStoredAs(row, toRow(record)) || isStoredAs(row, toRow(record, { bodiesAside: true }));
}

function isStoredAs(row: Readonly<Record<string, unknown>>, offered: Row): boolean {
  return ROW_COLUMNS.every(({ name, type }, place) => {
    const stored = row[name];
    const value = offered[place];
    return stored === undefined || value === undefined ? stored === value : isSame(type, stored, value);
  });
}

/** As far as a column of the type can tell. */
function isSame(type: ColumnType, stored: unknown, offered: unknown): boolean {
  switch (type) {
    case 'uuid':
      return stored === String(offered).toLowerCase();
    case 'timestamptz':
      return stored === new Date(String(offered)).toISOString();
    case 'inet':
      return addressOf(String(stored)) === addressOf(String(offered));
    case 'jsonb':
      return canonicalize(stored) === canonicalize(offered);
    default:
      return stored === offered;
  }
}

/** In the one spelling of the system; what is none stands for itself. */
function addressOf(text: string): string {
  const family = isIP(text);
  return family === 0 ? text : new SocketAddress({ address: text, family: family === 6 ? 'ipv6' : 'ipv4' }).address;
}
