/** Scores redactors on the public corpus: leaks and over-redactions of ours and of those others that are installed. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRedactor } from '../../src/redaction/index.js';

interface Case {
  readonly name: string;
  readonly contentType: string;
  readonly body: string;
  readonly secret?: string;
  readonly value?: string;
}

type Redact = (body: string, contentType: string) => string;

const corpus = JSON.parse(readFileSync(join(__dirname, '../../../test/fixtures/redaction-cases.json'), 'utf8')) as {
  readonly leak: readonly Case[];
  readonly keep: readonly Case[];
};
const KEYS = [
  'password',
  'passwd',
  'pwd',
  'secret',
  'token',
  'apiKey',
  'api_key',
  'accessToken',
  'access_token',
  'authorization',
  'cookie',
  'ssn',
  'cvv',
  'pin',
];

const ours = createRedactor();

/** Each is given what its documentation asks for: parsed bodies where they parse, the text as it is where they do not. */
const REDACTORS: Readonly<Record<string, () => Redact>> = {
  'otel-audit': () => (body, contentType) => {
    const redacted = ours.body({ bytes: Buffer.from(body), contentType, truncated: false });
    return 'text' in redacted ? redacted.text : '';
  },
  '@pinojs/redact': () => {
    const redact = moduleOf('@pinojs/redact')({ paths: KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), serialize: false });
    return onObjects((value) => redact(value));
  },
  '@hackylabs/deep-redact': () => {
    const { DeepRedact } = moduleOf('@hackylabs/deep-redact');
    const redactor = new DeepRedact({
      blacklistedKeys: KEYS,
      fuzzyKeyMatch: true,
      caseSensitiveKeyMatch: false,
      replacement: '[REDACTED]',
    });
    return onObjects((value) => redactor.redact(value));
  },
  'redact-secrets': () => {
    const redactor = moduleOf('redact-secrets')('[REDACTED]');
    return onObjects((value) => redactor.map(value));
  },
  'redact-pii': () => {
    const { SyncRedactor } = moduleOf('redact-pii');
    const redactor = new SyncRedactor();
    return (body) => redactor.redact(body);
  },
};

for (const [name, create] of Object.entries(REDACTORS)) {
  let redact: Redact;
  try {
    redact = create();
  } catch {
    console.log(`${name.padEnd(26)} not installed`);
    continue;
  }
  const leaks = corpus.leak.filter(({ body, contentType, secret }) => attempt(redact, body, contentType).includes(secret ?? ''));
  const losses = corpus.keep.filter(({ body, contentType, value }) => !attempt(redact, body, contentType).includes(value ?? ''));
  console.log(
    `${name.padEnd(26)} leaks ${leaks.length} of ${corpus.leak.length}, over-redactions ${losses.length} of ${corpus.keep.length}`,
  );
  if (leaks.length > 0) console.log(`  leaks: ${leaks.map((test) => test.name).join(', ')}`);
  if (losses.length > 0) console.log(`  over-redacts: ${losses.map((test) => test.name).join(', ')}`);
}

/** What a middleware does: parse JSON, redact, and leave alone what cannot be parsed. */
function onObjects(redact: (value: unknown) => unknown): Redact {
  return (body) => {
    try {
      const redacted = redact(JSON.parse(body));
      return typeof redacted === 'string' ? redacted : JSON.stringify(redacted);
    } catch {
      return body;
    }
  };
}

function attempt(redact: Redact, body: string, contentType: string): string {
  try {
    return redact(body, contentType);
  } catch {
    return body;
  }
}

/** The others come without types that fit; what is called here is what their documentation shows. */
function moduleOf(name: string): Callable {
  return require(name) as Callable;
}

interface Callable {
  (...args: readonly unknown[]): Callable;
  readonly DeepRedact: new (options: object) => Callable;
  readonly SyncRedactor: new () => Callable;
  redact(value: unknown): string;
  map(value: unknown): unknown;
}
