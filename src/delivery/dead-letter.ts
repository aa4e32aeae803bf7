/** The file of records that a sink will never take, each with the reason. A crash at the wrong moment may write one twice. */

import { open } from 'node:fs/promises';
import { deadLetterPath } from '../journal/layout.js';
import type { JournalledRecord } from '../record.js';

export interface DeadLetter {
  readonly time: string;
  readonly exporter: string;
  readonly reason: string;
  readonly record: JournalledRecord;
}

/** Settles when the letters are on the disk: only then may the cursor pass their records. */
export async function writeDeadLetters(streamDirectory: string, exporter: string, letters: readonly DeadLetter[]): Promise<void> {
  const file = await open(deadLetterPath(streamDirectory, exporter), 'a', 0o600);
  try {
    await file.writeFile(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''));
    await file.datasync();
  } finally {
    await file.close();
  }
}
