/** Finds the rules that name a value, or none: one look-up a request. */

import { emptySet, include, type RuleSet } from './rule-set.js';

type Named = readonly (readonly string[] | undefined)[];

/** `named[position]` are the values that the rule at that position accepts; undefined: every value, and none. */
export function compileExact(named: Named): (value: string | undefined) => RuleSet {
  const always = emptySet(named.length);
  const byValue = new Map<string, RuleSet>();
  for (const value of named.flatMap((values) => values ?? [])) byValue.set(value, emptySet(named.length));
  named.forEach((values, position) => {
    if (values === undefined) for (const set of [always, ...byValue.values()]) include(set, position);
    else for (const value of values) include(byValue.get(value) ?? always, position);
  });
  return (value) => (value === undefined ? always : (byValue.get(value) ?? always));
}

/** Values like `404` and `4xx`. */
export function compileStatus(named: Named): (status: number | undefined) => RuleSet {
  const accepts = (values: readonly string[], status: number): boolean =>
    values.includes(String(status)) || values.includes(`${Math.trunc(status / 100)}xx`);
  const known = new Map<number, RuleSet>();
  const none = setFor(undefined);
  function setFor(status: number | undefined): RuleSet {
    const set = emptySet(named.length);
    named.forEach((values, position) => {
      if (values === undefined || (status !== undefined && accepts(values, status))) include(set, position);
    });
    return set;
  }
  return (status) => {
    if (status === undefined) return none;
    let set = known.get(status);
    if (set === undefined) {
      set = setFor(status);
      // Node refuses a status that is not of 100 to 999, so this is bounded.
      known.set(status, set);
    }
    return set;
  };
}
