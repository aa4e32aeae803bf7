/** `otel-audit prove`: the proof of one record, for somebody who trusts the signing key and nothing else of ours. */

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { proveRecord } from '../integrity/proof.js';
import type { CommandContext } from './context.js';
import { openTrail } from './open-trail.js';
import { recordReading } from './record-reading.js';

export function addProve(program: Command, context: CommandContext): void {
  program
    .command('prove')
    .description('the proof that a record is in the trail as it was signed; samples/proof checks it')
    .argument('<id>', "the record's id")
    .argument('[trail]', 'database URL, directory, archive or Azure export; default: as configured')
    .option('--out <file>', 'default: standard output')
    .action(async (id: string, place: string | undefined, { out }: { readonly out?: string }) => {
      const trail = await openTrail(place, context);
      try {
        await recordReading({ command: 'prove', trail: trail.name, filter: { id } });
        const text = `${JSON.stringify(await proveRecord(trail, id), undefined, 2)}\n`;
        if (out === undefined) context.write(text);
        else writeFileSync(out, text, { mode: 0o600, flag: 'wx' });
      } finally {
        await trail.close();
      }
    });
}
