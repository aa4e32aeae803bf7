/** A set of rules by their position, one bit each: intersecting a few of them is how a policy finds its rule. */

/** 32 rules a word. A plain array: allocating a typed one takes longer than all that is done with it. */
export type RuleSet = number[];

export function emptySet(rules: number): RuleSet {
  return new Array<number>(Math.ceil(rules / 32)).fill(0);
}

/** The positions that hold. */
export function setOf(holds: readonly boolean[]): RuleSet {
  const set = emptySet(holds.length);
  for (const [position, holding] of holds.entries()) if (holding) include(set, position);
  return set;
}

export function include(set: RuleSet, position: number): void {
  set[position >>> 5] = (set[position >>> 5] ?? 0) | (1 << (position & 31));
}

export function exclude(set: RuleSet, position: number): void {
  set[position >>> 5] = (set[position >>> 5] ?? 0) & ~(1 << (position & 31));
}

export function includes(set: RuleSet, position: number): boolean {
  return ((set[position >>> 5] ?? 0) & (1 << (position & 31))) !== 0;
}

export function addAll(set: RuleSet, more: RuleSet): void {
  for (let word = 0; word < set.length; word += 1) set[word] = (set[word] ?? 0) | (more[word] ?? 0);
}

export function keepOnly(set: RuleSet, others: RuleSet): void {
  for (let word = 0; word < set.length; word += 1) set[word] = (set[word] ?? 0) & (others[word] ?? 0);
}

export function meets(left: RuleSet, right: RuleSet): boolean {
  return firstOfBoth(left, right) !== -1;
}

export function removeAll(set: RuleSet, others: RuleSet): void {
  for (let word = 0; word < set.length; word += 1) set[word] = (set[word] ?? 0) & ~(others[word] ?? 0);
}

/** The lowest position in both sets, or -1. */
export function firstOfBoth(left: RuleSet, right: RuleSet): number {
  for (let word = 0; word < left.length; word += 1) {
    const both = (left[word] ?? 0) & (right[word] ?? 0);
    if (both !== 0) return (word << 5) + lowestBit(both);
  }
  return -1;
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
