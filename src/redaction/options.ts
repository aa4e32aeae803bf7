/** The options of a redactor, and their one check: a wrong option is named, its value never is. */

export type RedactionAction = 'mask' | 'drop' | 'last4' | 'hash' | 'truncate';

export interface RedactionRule {
  /** Key names, matched as word sequences like the defaults: `badge number` also finds `userBadgeNumber`. */
  readonly fields: readonly string[];
  /**
   * What stands for the value. `mask`: `[REDACTED]`. `drop`: in JSON and forms the member goes, elsewhere as `mask`.
   * `last4`: the last four characters of a text of at least eight. `hash`: HMAC-SHA-256 with `hashKey`. `truncate`: the first
   * `keep` characters. Objects and arrays are masked by `last4` and `truncate`. Default `mask`.
   */
  readonly action?: RedactionAction | undefined;
  /** Characters that `truncate` keeps. Default 4. */
  readonly keep?: number | undefined;
}

/** Plain data, except `patterns` given as RegExp and the two functions. */
export interface RedactionOptions {
  /** Added to the default key names, masked. */
  readonly fields?: readonly string[] | undefined;
  /** Default key names that are no longer sensitive, spelled as in the documentation: `session`. */
  readonly remove?: readonly string[] | undefined;
  /** JSON paths whose sensitive key may be shown: `$.order.token_count`, `$.items[*].pin`, `$..csrf`. */
  readonly allow?: readonly string[] | undefined;
  /** Come before the defaults, the first that names a key wins. */
  readonly rules?: readonly RedactionRule[] | undefined;
  /** Whatever these match is masked. Only patterns whose work is linear are accepted. */
  readonly patterns?: readonly (string | RegExp)[] | undefined;
  /** Whether a key is sensitive, asked after the names. Remembered per key: it must be pure. If it throws, it is. */
  readonly isSensitive?: ((key: string) => boolean) | undefined;
  /** Rewrites each text after everything else. If it throws, the text is masked. */
  readonly rewrite?: ((text: string) => string) | undefined;
  /** True masks e-mail addresses. Default false: an audit trail names people. */
  readonly email?: boolean | undefined;
  /** Secret for `hash`. */
  readonly hashKey?: string | undefined;
  /** Segments of a path after which a one-time token stands; added to the defaults. */
  readonly pathSegments?: readonly string[] | undefined;
}

const ACTIONS: readonly string[] = ['mask', 'drop', 'last4', 'hash', 'truncate'] satisfies readonly RedactionAction[];
const LISTS = ['fields', 'remove', 'allow', 'pathSegments'] as const;
const KNOWN: ReadonlySet<string> = new Set([...LISTS, 'rules', 'patterns', 'isSensitive', 'rewrite', 'email', 'hashKey']);

/** Every fault, in words. `patternFault` says what is wrong with a pattern. */
export function faultsOf(options: RedactionOptions, patternFault: (pattern: string | RegExp) => string | undefined): readonly string[] {
  const faults: string[] = [];
  for (const name of Object.keys(options)) if (!KNOWN.has(name)) faults.push(`${name}: no such option`);
  for (const name of LISTS) {
    if (options[name] !== undefined && !isNameList(options[name])) faults.push(`${name}: must be a list of non-empty strings`);
  }
  if (isNameList(options.allow)) {
    options.allow.forEach((path, index) => {
      if (!path.startsWith('$')) faults.push(`allow[${index}]: must be a JSON path that begins with $`);
    });
  }
  faults.push(...ruleFaults(options));
  if (options.patterns !== undefined && !Array.isArray(options.patterns)) faults.push('patterns: must be a list');
  else {
    options.patterns?.forEach((pattern, index) => {
      const fault = patternFault(pattern);
      if (fault !== undefined) faults.push(`patterns[${index}]: ${fault}`);
    });
  }
  for (const name of ['isSensitive', 'rewrite'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') faults.push(`${name}: must be a function`);
  }
  if (options.email !== undefined && typeof options.email !== 'boolean') faults.push('email: must be true or false');
  if (options.hashKey !== undefined && (typeof options.hashKey !== 'string' || options.hashKey.length < 16)) {
    faults.push('hashKey: must be a string of at least 16 characters');
  }
  return faults;
}

function ruleFaults({ rules, hashKey }: RedactionOptions): readonly string[] {
  if (rules === undefined) return [];
  if (!Array.isArray(rules)) return ['rules: must be a list'];
  const faults: string[] = [];
  rules.forEach((rule: Partial<RedactionRule> | null, index) => {
    if (typeof rule !== 'object' || rule === null) {
      faults.push(`rules[${index}]: must be an object`);
      return;
    }
    if (!isNameList(rule.fields) || rule.fields.length === 0) faults.push(`rules[${index}].fields: must be a list of non-empty strings`);
    if (rule.action !== undefined && !ACTIONS.includes(rule.action))
      faults.push(`rules[${index}].action: must be one of ${ACTIONS.join(', ')}`);
    if (rule.action === 'hash' && hashKey === undefined) faults.push(`rules[${index}].action: hash needs hashKey`);
    if (rule.keep !== undefined && !(Number.isInteger(rule.keep) && rule.keep >= 1 && rule.keep <= 64))
      faults.push(`rules[${index}].keep: must be 1 to 64`);
  });
  return faults;
}

function isNameList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item.trim() !== '');
}
