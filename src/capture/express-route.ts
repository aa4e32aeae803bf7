/**
 * The route pattern of an Express 4 or 5 request, read from the routers themselves. What was matched never stands in for
 * the pattern: `/reset/:token` mounted with `use` leaves the token itself in `baseUrl`.
 */

interface ExpressRequest {
  readonly app?: App | undefined;
  readonly route?: Route | undefined;
  readonly baseUrl?: unknown;
  readonly originalUrl?: unknown;
}

interface App {
  readonly parent?: App | undefined;
  readonly mountpath?: unknown;
  /** Express 5. In Express 4 this is a getter that throws. */
  readonly router?: Router | undefined;
  /** Express 4. */
  readonly _router?: Router | undefined;
}

interface Router {
  readonly stack?: readonly Layer[] | undefined;
}

interface Route {
  readonly path?: unknown;
}

/** The shapes of three routers: Express 4 (`regexp`, `keys`), router 2.0 (`matchers`) and router 2.3 (`rawPath` as well). */
interface Layer {
  readonly route?: Route | undefined;
  readonly handle?: Router | undefined;
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
  readonly slash?: boolean;
  readonly matchers?: readonly ((path: string) => Match | false)[];
  readonly rawPath?: unknown;
}

interface Match {
  readonly path: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What a layer takes off the front of the path, and the pattern that says so; no pattern if it cannot be told. */
interface Mount {
  readonly taken: string;
  readonly pattern: string | undefined;
}

/** Undefined where no route or mount answered, or where its pattern is an expression or hidden behind a wrapper. */
export function expressRoute(request: object): string | undefined {
  const { app, route, baseUrl, originalUrl } = request as ExpressRequest;
  if (route === undefined && (typeof baseUrl !== 'string' || baseUrl === '')) return undefined;
  const stack = app === undefined ? undefined : stackOf(app);
  if (app === undefined || stack === undefined || typeof originalUrl !== 'string') return undefined;
  const above = mountOfApp(app, pathOf(originalUrl));
  if (above?.pattern === undefined) return undefined;
  const rest = pathOf(originalUrl).slice(above.taken.length);
  if (route !== undefined) {
    if (typeof route.path !== 'string') return undefined;
    const mount = mountOfRoute(stack, rest, route);
    return mount === undefined ? undefined : joined(above.pattern, mount, route.path);
  }
  const mount = mountOfPrefix(stack, String(baseUrl).slice(above.taken.length));
  return mount === undefined ? undefined : joined(above.pattern, mount);
}

function stackOf(app: App): readonly Layer[] | undefined {
  return (app._router ?? app.router)?.stack;
}

/** An app mounted in another says its own pattern, not what it matched: the segments are counted off. */
function mountOfApp(app: App, path: string): Mount | undefined {
  if (app.parent === undefined) return NOWHERE;
  const above = mountOfApp(app.parent, path);
  const { mountpath } = app;
  if (above?.pattern === undefined || typeof mountpath !== 'string') return undefined;
  const patterns = mountpath.split('/').filter(Boolean);
  const values = path
    .slice(above.taken.length)
    .split('/')
    .slice(1, patterns.length + 1);
  const isSame = patterns.every((pattern, index) => PLAIN_PARAMETER.test(pattern) || pattern === values[index]);
  return isSame
    ? { taken: above.taken + values.map((value) => `/${value}`).join(''), pattern: joined(above.pattern, mountpath) }
    : undefined;
}

/** The way through the routers to the layer that holds this very route. Not by `baseUrl`: that is reset when a handler calls `next`. */
function mountOfRoute(stack: readonly Layer[], path: string, route: Route, depth = 0): string | undefined {
  for (const layer of stack) {
    if (layer.route === route) return '';
    const inner = layer.route === undefined && depth < MAX_DEPTH ? layer.handle?.stack : undefined;
    const mount = inner && mountOf(layer, path);
    if (inner === undefined || mount === undefined) continue;
    const below = mountOfRoute(inner, path.slice(mount.taken.length), route, depth + 1);
    if (below !== undefined) return mount.pattern === undefined ? undefined : joined(mount.pattern, below);
  }
  return undefined;
}

/** The pattern of middleware that answered at its mount point. */
function mountOfPrefix(stack: readonly Layer[], prefix: string, depth = 0): string | undefined {
  if (prefix === '') return '';
  for (const layer of stack) {
    const mount = layer.route === undefined ? mountOf(layer, prefix) : undefined;
    if (mount === undefined) continue;
    const rest = prefix.slice(mount.taken.length);
    const inner = depth < MAX_DEPTH ? layer.handle?.stack : undefined;
    const below = rest === '' && mount.taken !== '' ? '' : inner && mountOfPrefix(inner, rest, depth + 1);
    if (below !== undefined) return mount.pattern === undefined ? undefined : joined(mount.pattern, below);
  }
  return undefined;
}

/** Matches without `layer.match`, which leaves its findings on the layer that other requests share. */
function mountOf(layer: Layer, path: string): Mount | undefined {
  if (layer.slash === true || layer.regexp?.fast_slash === true) return NOWHERE;
  const mount = layer.regexp === undefined ? matchedBy(layer, path) : matchedByExpression(layer.regexp, layer.keys ?? [], path);
  if (mount === undefined) return undefined;
  const taken = mount.taken.replace(/\/$/, '');
  return /^(?:\/|$)/.test(path.slice(taken.length)) ? { ...mount, taken } : undefined;
}

function matchedBy({ matchers = [], rawPath }: Layer, path: string): Mount | undefined {
  for (const [index, matcher] of matchers.entries()) {
    const match = matcher(path);
    if (match === false) continue;
    const own = Array.isArray(rawPath) ? rawPath[index] : rawPath;
    if (typeof own === 'string') return { taken: match.path, pattern: own };
    // The name of what router 2 makes of a regular expression, whose text may match anything.
    const isText = own === undefined && matcher.name !== 'regexpMatcher';
    return { taken: match.path, pattern: isText ? withNames(match.path, Object.entries(match.params)) : undefined };
  }
  return undefined;
}

function matchedByExpression(regexp: RegExp, keys: readonly { readonly name: string | number }[], path: string): Mount | undefined {
  const match = regexp.exec(path);
  if (match === null) return undefined;
  const text = regexp.source.replace(/\\(.)/g, '$1').toLowerCase();
  const pattern = withNames(
    match[0],
    keys.map(({ name }, index) => [name, match[index + 1]]),
  );
  // What is neither a parameter's value nor in the expression itself was matched by a class or a repetition.
  const isTold = pattern.split('/').every((segment) => segment.startsWith(':') || text.includes(segment.toLowerCase()));
  return { taken: match[0], pattern: isTold ? pattern : undefined };
}

/** Puts `:name` in the place of every value. Too much of it rather than too little: no value may be left. */
function withNames(text: string, params: readonly (readonly [string | number, unknown])[]): string {
  const values = params.flatMap(([name, value]) => [value].flat().map((one) => [name, String(one ?? '')] as const));
  return text
    .split('/')
    .map((segment) => {
      const found = values.find(([, value]) => value !== '' && (segment.includes(value) || decoded(segment).includes(value)));
      return found === undefined ? segment : `:${found[0]}`;
    })
    .join('/');
}

function joined(...patterns: readonly string[]): string {
  return patterns.map((pattern) => (pattern === '/' ? '' : pattern.replace(/\/$/, ''))).join('') || '/';
}

function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const NOWHERE: Mount = { taken: '', pattern: '' };
const PLAIN_PARAMETER = /^:\w+$/;
// A router that is mounted in itself must not hang the service.
const MAX_DEPTH = 16;
