/** The result of a verification, for people: the verdict first, then what contradicts it, then what nobody can know. */

import { type Finding, rangeText, type Unproven } from '../integrity/findings.js';
import type { Verification } from '../integrity/verify.js';

/** What no verification of one trail can show, whatever it finds. */
const LIMITS = [
  'a request that was never recorded leaves no gap: compare the account in audit.stop and audit.heartbeat records',
  'whoever holds the signing key can write the whole trail anew: keep copies of checkpoints where they cannot reach',
  'two whole and different trails can be shown to two people: compare their checkpoints',
  'a trail that is shown only up to some day looks whole without a later checkpoint: --checkpoints',
];
// What follows says nothing new, and the rest is in --json.
const MAX_SHOWN = 50;

export function verificationText(verification: Verification, isGood: boolean): string {
  const { trail, records, streams, checkpoints, signed, newest, findings, leftOut, unproven, keys, strangers } = verification;
  const count = findings.length + leftOut;
  return [
    isGood
      ? 'No contradiction.'
      : count > 0
        ? `NOT what was recorded: ${count} finding${count === 1 ? '' : 's'}.`
        : 'Not all of it is signed.',
    '',
    `${trail}: ${records} records of ${streams} streams, the newest of ${newest ?? 'no time'}`,
    `${checkpoints} checkpoints; ${signed} records are signed by ${keys.join(', ') || 'no known key'}`,
    ...(strangers.length === 0 ? [] : [`signed by keys that nobody vouched for: ${strangers.join(', ')}; --keys says which to believe`]),
    ...section('Found', findings.map(findingLine)),
    ...section('Cannot be proved', unproven.map(unprovenLine)),
    ...section('Cannot be seen from one trail', LIMITS),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MAX_SHOWN ? [`  and ${lines.length - MAX_SHOWN} more, all in --json`] : [];
  return ['', title, ...lines.slice(0, MAX_SHOWN).map((line) => `  ${line}`), ...more];
}

function findingLine({ kind, detail, ids, ...range }: Finding): string {
  return `${kind.toUpperCase().padEnd(9)} ${rangeText(range)}${detail}${ids.length === 0 ? '' : ` (${ids.join(', ')})`}`;
}

function unprovenLine({ kind, detail, ...range }: Unproven): string {
  return `${kind.padEnd(9)} ${rangeText(range)}${detail}`;
}
