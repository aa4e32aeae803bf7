/** Secrets that are known by their look: JWTs, PEM blocks, vendors' keys, `Bearer` and `Basic` credentials. Linear in the text. */

/** From and to of what must go. */
export type Range = readonly [from: number, to: number];

/** `cut`: the text's end is missing, so a beginning at the end is taken for the whole. */
export function findTokens(text: string, cut: boolean, ranges: Range[]): void {
  findVendorKeys(text, cut, ranges);
  if (text.includes('-----')) findPem(text, ranges);
  if (SCHEME_HINT.test(text)) findSchemes(text, cut, ranges);
}

/**
 * A run of token characters is looked at once, whole. Patterns have no unbounded part before their first fixed one, and
 * what they repeat cannot begin a match anew, so that no text makes them slow.
 */
function findVendorKeys(text: string, cut: boolean, ranges: Range[]): void {
  for (const run of text.matchAll(RUN)) {
    const token = run[0];
    const from = run.index;
    const atEnd = cut && from + token.length === text.length;
    const jwt = jwtIn(token, atEnd);
    if (jwt !== undefined) ranges.push([from + jwt, from + token.length]);
    else if (KEY_HINT.test(token)) {
      for (const match of token.matchAll(KEYS)) ranges.push([from + match.index, from + match.index + match[0].length]);
      const beginning = atEnd ? KEY_BEGINNING.exec(token) : null;
      if (beginning !== null) ranges.push([from + beginning.index, from + token.length]);
    }
    if (atEnd && looksLikeKey(token)) ranges.push([from, from + token.length]);
  }
  if (WEBHOOK_HINT.test(text)) {
    for (const match of text.matchAll(WEBHOOK)) {
      ranges.push([match.index + match[0].length - (match[1]?.length ?? 0), match.index + match[0].length]);
    }
  }
  if (TELEGRAM_HINT.test(text)) {
    for (const match of text.matchAll(/(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30,64}/g))
      ranges.push([match.index, match.index + match[0].length]);
  }
  if (cut) {
    const short = CUT_BEGINNING.exec(text);
    if (short !== null) ranges.push([short.index, text.length]);
  }
}

/** What may have become 64 bytes in base64. */
function looksLikeKey(token: string): boolean {
  return token.length >= 20 && /^[A-Za-z0-9+/=]+$/.test(token) && /[0-9]/.test(token) && /[a-z]/.test(token) && /[A-Z]/.test(token);
}

// At least 14: the shortest that any pattern below takes, and what `signals.ts` looks for.
const RUN = /[A-Za-z0-9_\-+/.=~]{14,}/g;

const WEBHOOK_HINT = /hooks\.slack\.com\/|\/api\/webhooks\/|webhook\.office\.com\//;
/** Whoever knows the address may write: the rest of the path is the secret. */
const WEBHOOK =
  /(?:hooks\.slack\.com\/(?:services|workflows|triggers)|discord(?:app)?\.com\/api\/webhooks\/\d{1,20}|webhook\.office\.com\/webhookb?2?)\/([\w/@.-]+)/g;

const TELEGRAM_HINT = /[0-9]{6}:[A-Za-z0-9_-]{30}/;

/** Where in a run of token characters a JWT (or JWE) begins: a header that is base64 of `{"`, a dot, and more. */
function jwtIn(token: string, atEnd: boolean): number | undefined {
  const head = token.indexOf('eyJ');
  if (head === -1) return undefined;
  const dot = token.indexOf('.', head);
  if (dot === -1) return atEnd ? head : undefined;
  if (atEnd || (dot - head >= 10 && token.length - dot > 4)) return head;
  return undefined;
}

const KEY_HINT =
  /A[KS]IA|AIza|gh[pousr]_|github_pat_|xox|xapp-|[srp]k_|whsec_|sk-|SG\.|glpat-|npm_|ya29\.|GOCSPX|AccountKey|shp|dop_v1|hf_|pypi-|EAA|\/\/0|AGE-|NRAK|key-|sq0|lin_|dapi|hvs\.|ATATT|==|\+A[A-Z]|Az[FSC]|Q~|SK[0-9a-f]{2}|dp\.|FwoG|IQoJ|dckr_|atlasv1|gsk_|xai-|PMAK|dt0|figd_|ntn_|gl(?:sa|c|dt|rt|ptt)[-_]|tskey-|sntrys_/;
const KEYS = new RegExp(
  [
    String.raw`A[KS]IA[A-Z0-9]{16}`,
    String.raw`AIza[A-Za-z0-9_-]{35}`,
    String.raw`ya29\.[A-Za-z0-9_-]{10,}`,
    String.raw`GOCSPX-[A-Za-z0-9_-]{20,}`,
    String.raw`gh[pousr]_[A-Za-z0-9]{16,}`,
    String.raw`github_pat_[A-Za-z0-9_]{20,}`,
    String.raw`gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{16,}`,
    String.raw`gl(?:sa|c)_[A-Za-z0-9_=+/-]{32,}`,
    String.raw`xox[abeoprs]-[A-Za-z0-9-]{8,}`,
    String.raw`xapp-[A-Za-z0-9-]{10,}`,
    String.raw`[sr]k_(?:live|test)_[A-Za-z0-9]{10,}`,
    String.raw`whsec_[A-Za-z0-9+/=]{16,}`,
    String.raw`sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}`,
    String.raw`SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`,
    String.raw`npm_[A-Za-z0-9]{30,}`,
    String.raw`pypi-[A-Za-z0-9_-]{30,}`,
    String.raw`hf_[A-Za-z0-9]{30,}`,
    String.raw`shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`,
    String.raw`dop_v1_[a-f0-9]{64}`,
    String.raw`sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}`,
    String.raw`AGE-SECRET-KEY-1[A-Z0-9]{40,}`,
    String.raw`NRAK-[A-Z0-9]{20,}`,
    String.raw`key-[a-f0-9]{32}`,
    String.raw`lin_api_[A-Za-z0-9]{30,}`,
    String.raw`dapi[a-f0-9]{32}`,
    String.raw`hvs\.[A-Za-z0-9_-]{20,}`,
    String.raw`ATATT[A-Za-z0-9_=-]{20,}`,
    // 64 bytes in base64: the account keys of Azure Storage and Cosmos DB. After a hyphen it is a digest, `sha512-…`.
    String.raw`(?<![A-Za-z0-9+/=-])[A-Za-z0-9+/]{86}==(?!=)`,
    // What Azure marks its newer keys with: storage, service bus, event hubs, relay, container registry, IoT, functions, search, cache.
    String.raw`(?<![A-Za-z0-9+/=-])[A-Za-z0-9+/]{30,80}(?:\+A(?:St|Sb|Eh|Rm|CR|IoT)|Az(?:Fu|Se|Ca))[A-Za-z0-9+/]{5,12}={0,2}`,
    // Client secrets of Entra ID.
    String.raw`[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}`,
    String.raw`SK[0-9a-f]{32}(?![0-9a-f])`,
    String.raw`dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}`,
    String.raw`(?:FwoG|IQoJ)[A-Za-z0-9+/=]{60,}`,
    String.raw`1//0[A-Za-z0-9_-]{30,}`,
    String.raw`EAA[A-Za-z0-9]{60,}`,
    String.raw`dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`,
    String.raw`[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}`,
    String.raw`(?:gsk_|xai-|figd_|ntn_|sntrys_|tskey-|PMAK-)[A-Za-z0-9_=+/-]{30,}`,
    String.raw`dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}`,
  ].join('|'),
  'g',
);
const KEY_BEGINNING =
  /(?:A[KS]IA[A-Z0-9]*|AIza[\w-]*|ya29\.[\w-]*|GOCSPX-[\w-]*|gh[pousr]_\w*|github_pat_\w*|glpat-[\w-]*|xox[abeoprs]-[\w-]*|xapp-[\w-]*|[sr]k_(?:live|test)_\w*|whsec_[\w+/=]*|sk-[\w-]*|SG\.[\w.-]*|npm_\w*|pypi-[\w-]*|hf_\w*)$/;
const CUT_BEGINNING =
  /(?<![A-Za-z0-9])(?:eyJ[A-Za-z0-9_-]{0,13}|A[KS]IA[A-Z0-9]{0,16}|AIza[\w-]{0,12}|gh[pousr]_\w{0,12}|github_pat_\w{0,12}|glpat-[\w-]{0,12}|xox[abeoprs]-[\w-]{0,12}|[sr]k_(?:live|test)_\w{0,12}|whsec_\w{0,12}|sk-[\w-]{0,12}|SG\.[\w-]{0,12})$/;

/** Blocks between BEGIN and END lines, except what is made to be shown: certificates and public keys. */
function findPem(text: string, ranges: Range[]): void {
  let from = 0;
  for (;;) {
    const begin = text.indexOf('-----BEGIN', from);
    if (begin === -1) return;
    const label = /^-----BEGIN ([A-Z0-9 ]{0,40})-----/.exec(text.slice(begin, begin + 64))?.[1] ?? '';
    const end = text.indexOf('-----END', begin);
    const close = end === -1 ? -1 : text.indexOf('-----', end + 8);
    const to = close === -1 ? text.length : close + 5;
    if (!/\b(?:CERTIFICATE|PUBLIC KEY|X509 CRL|CERTIFICATE REQUEST)\b/.test(label)) ranges.push([begin, to]);
    from = to;
  }
}

const SCHEME_HINT = /bearer|basic/i;
const SCHEME = /(?<![A-Za-z])(bearer|basic)((?:[ \t]|\+|%20|:){1,8})["']?([A-Za-z0-9._~+/=:@!$^*-]+)/gi;
/** What follows `bearer` and `basic` in ordinary sentences. */
const ORDINARY =
  /^(?:tokens?|auth|authentication|authorization|scheme|header|credentials?|of|is|was|are|not|no|the|an?|and|or|to|in|for|with|from|by|on|as|at|required|missing|invalid|expired|realm|error|format|type|must|should|may|can|bonds?|shares?|cheques?|plan|tier|info|information|access|usage|support|version|user|users|features?|needs?|rights?|idea|ideas|settings?|income|package|level|training|skills?|knowledge|security|account|data|details?)$/i;

function findSchemes(text: string, cut: boolean, ranges: Range[]): void {
  for (const match of text.matchAll(SCHEME)) {
    const value = match[3] ?? '';
    const to = match.index + match[0].length;
    const bare = value.replace(/[.:]+$/, '');
    if (bare === '' || ORDINARY.test(bare) || /^realm=/i.test(bare)) continue;
    const capital = match[1]?.[0] === 'B';
    const secret = (match[1] ?? '').toLowerCase() === 'bearer' ? looksRandom(bare) || capital : isBasic(bare);
    if (secret || (cut && to === text.length)) ranges.push([to - value.length, to - value.length + bare.length]);
  }
}

function isBasic(value: string): boolean {
  if (value.length < 6) return false;
  const decoded = Buffer.from(value, 'base64').toString('latin1');
  return (/^[\x20-\x7e]*$/.test(decoded) && decoded.includes(':')) || (looksRandom(value) && value.length >= 8);
}

function looksRandom(value: string): boolean {
  return /\d/.test(value) || /[a-z][A-Z]/.test(value) || value.length >= 20;
}
