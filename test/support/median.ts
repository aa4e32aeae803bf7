/** The middle of what was measured: what one busy moment of the machine does not move. */

/** Of an even number, the upper of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
