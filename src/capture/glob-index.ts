/** Finds the rules whose globs match a path, looking only at those that share its literal beginning. */

import { compileGlob, type Glob } from './glob.js';
import { addAll, emptySet, include, type RuleSet } from './rule-set.js';

/** The rules without a glob, and those with one that matches; without a text, the former. The answer is the caller's own. */
export type MatchGlobs = (text: string | undefined) => RuleSet;

/** `globs[position]` are the globs of the rule at that position; undefined: it matches everything. */
export function createGlobIndex(globs: readonly (readonly string[] | undefined)[]): MatchGlobs {
  const always = emptySet(globs.length);
  const root = createNode();
  globs.forEach((list, position) => {
    if (list === undefined) include(always, position);
    for (const glob of list ?? []) insert(root, glob, position, globs.length);
  });
  return (text) => {
    const found = always.slice();
    if (text !== undefined) collect(root, text, 0, found);
    return found;
  };
}

// Routes and media types are few; the bound keeps a client's inventions from filling memory.
const REMEMBERED = 1000;

/** The same for texts of which a service has few. The answer is shared: it must not be changed. */
export function rememberGlobs(match: MatchGlobs): MatchGlobs {
  const none = match(undefined);
  const known = new Map<string, RuleSet>();
  return (text) => {
    if (text === undefined) return none;
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const found = match(text);
    if (known.size < REMEMBERED) known.set(text, found);
    return found;
  };
}

/** One segment further into the path. */
interface Node {
  readonly children: Map<string, Node>;
  /** Behind a segment that is `*`. */
  any: Node | undefined;
  /** Rules whose glob ends here. */
  whole: RuleSet | undefined;
  /** Rules whose glob goes on with nothing but `**`. */
  below: RuleSet | undefined;
  /** Rules whose glob goes on with a wildcard of another kind. */
  readonly others: { readonly glob: Glob; readonly position: number }[];
}

function createNode(): Node {
  return { children: new Map(), any: undefined, whole: undefined, below: undefined, others: [] };
}

function insert(root: Node, glob: string, position: number, rules: number): void {
  const segments = glob.split('/');
  let node = root;
  for (const [index, segment] of segments.entries()) {
    if (segment === '**' && index === segments.length - 1) {
      node.below ??= emptySet(rules);
      return include(node.below, position);
    }
    if (segment !== '*' && segment.includes('*')) {
      node.others.push({ glob: compileGlob(glob), position });
      return;
    }
    node = segment === '*' ? anyOf(node) : childOf(node, segment);
  }
  node.whole ??= emptySet(rules);
  include(node.whole, position);
}

function anyOf(node: Node): Node {
  node.any ??= createNode();
  return node.any;
}

function childOf(node: Node, segment: string): Node {
  const known = node.children.get(segment);
  if (known !== undefined) return known;
  const child = createNode();
  node.children.set(segment, child);
  return child;
}

/** `start` is where the segment behind `node` begins. */
function collect(node: Node, text: string, start: number, found: RuleSet): void {
  if (node.below !== undefined) addAll(found, node.below);
  for (const { glob, position } of node.others) if (glob.test(text)) include(found, position);
  if (node.any === undefined && node.children.size === 0) return;
  const slash = text.indexOf('/', start);
  const child = node.children.get(slash === -1 ? text.slice(start) : text.slice(start, slash));
  if (child !== undefined) follow(child, text, slash, found);
  if (node.any !== undefined) follow(node.any, text, slash, found);
}

function follow(child: Node, text: string, slash: number, found: RuleSet): void {
  if (slash !== -1) collect(child, text, slash + 1, found);
  else if (child.whole !== undefined) addAll(found, child.whole);
}
