/** JSON paths at which a sensitive key may be shown after all. */

/** `$.a.b`, `$.a[*].b`, `$['a b']`, `$..b`; undefined without any path. */
export function compileAllowed(paths: readonly string[]): ((path: readonly (string | number)[]) => boolean) | undefined {
  if (paths.length === 0) return undefined;
  const patterns = paths.map(parsePath);
  return (path) => patterns.some((pattern) => matches(pattern, path));
}

const ANY = Symbol('any');
const DEEP = Symbol('deep');
type Step = string | number | typeof ANY | typeof DEEP;

function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  for (const match of path.slice(1).matchAll(/\.\.|\.?([^.[\]]+)|\[(?:(\d+)|(\*)|'([^']*)'|"([^"]*)")\]/g)) {
    const [whole, name, place, star, single, double] = match;
    if (whole === '..') steps.push(DEEP);
    else if (star !== undefined || name === '*') steps.push(ANY);
    else if (place !== undefined) steps.push(Number(place));
    else steps.push(name ?? single ?? double ?? '');
  }
  return steps;
}

function matches(steps: readonly Step[], path: readonly (string | number)[]): boolean {
  const [step, ...rest] = steps;
  if (step === undefined) return path.length === 0;
  if (step === DEEP) return path.some((_, index) => matches(rest, path.slice(index)));
  if (path.length === 0) return false;
  return (step === ANY || step === path[0]) && matches(rest, path.slice(1));
}
