/** Scores redactors on the public corpus: leaks and over-redactions, ours and others'. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createRedactor } from '../../src/redaction/index.js';
import { installFixture } from '../support/fixtures.js';

interface Case {
  readonly name: string;
  readonly contentType: string;
  readonly body: string;
  readonly secret?: string;
  readonly value?: string;
}

type Redact = (body: string, contentType: string) => string | Promise<string>;

const FIXTURES = join(__dirname, '../../../test/fixtures');
const corpus = JSON.parse(readFileSync(join(FIXTURES, 'redaction-cases.json'), 'utf8')) as {
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
const REDACTORS: Readonly<Record<string, (moduleOf: ModuleOf) => Redact>> = {
  'otel-audit': () => (body, contentType) => {
    const redacted = ours.body({ bytes: Buffer.from(body), contentType, truncated: false });
    return 'text' in redacted ? redacted.text : '';
  },
  '@pinojs/redact': (moduleOf) => {
    const redact = moduleOf('@pinojs/redact')({ paths: KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), serialize: false });
    return onObjects((value) => redact(value));
  },
  '@hackylabs/deep-redact': (moduleOf) => {
    const { DeepRedact } = moduleOf('@hackylabs/deep-redact');
    const redactor = new DeepRedact({
      blacklistedKeys: KEYS,
      fuzzyKeyMatch: true,
      caseSensitiveKeyMatch: false,
      replacement: '[REDACTED]',
    });
    return onObjects((value) => redactor.redact(value));
  },
  'redact-secrets': (moduleOf) => {
    const redactor = moduleOf('redact-secrets')('[REDACTED]');
    return onObjects((value) => redactor.map(value));
  },
  'redact-pii': (moduleOf) => {
    const { SyncRedactor } = moduleOf('redact-pii');
    const redactor = new SyncRedactor();
    return (body) => redactor.redact(body);
  },
  openredaction: (moduleOf) => {
    const { OpenRedaction } = moduleOf('openredaction');
    const redactor = new OpenRedaction({ redactionMode: 'placeholder' });
    return async (body) => (await redactor.detect(body)).redacted;
  },
  '@redactpii/node': (moduleOf) => {
    const { Redactor } = moduleOf('@redactpii/node');
    const redactor = new Redactor();
    return (body) => redactor.redact(body);
  },
};

async function main(): Promise<void> {
  // The others come without types that fit; what is called here is what their documentation shows.
  const moduleOf = createRequire(join(await installFixture('redactors'), 'package.json')) as ModuleOf;
  console.log(`| redactor | version | leaks of ${corpus.leak.length} | over-redactions of ${corpus.keep.length} |\n|---|---|---|---|`);
  const details: string[] = [];
  for (const [name, create] of Object.entries(REDACTORS)) {
    const redact = create(moduleOf);
    const leaks = await namesOf(corpus.leak, async ({ body, contentType, secret = '' }) =>
      (await attempt(redact, body, contentType)).includes(secret),
    );
    const losses = await namesOf(
      corpus.keep,
      async ({ body, contentType, value = '' }) => !(await attempt(redact, body, contentType)).includes(value),
    );
    console.log(`| ${name} | ${versionOf(name)} | ${leaks.length} | ${losses.length} |`);
    if (leaks.length > 0) details.push(`${name} leaks: ${leaks.join(', ')}`);
    if (losses.length > 0) details.push(`${name} over-redacts: ${losses.join(', ')}`);
  }
  console.log(`\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}\n\n${details.join('\n')}`);
}

async function namesOf(cases: readonly Case[], fails: (test: Case) => Promise<boolean>): Promise<readonly string[]> {
  const names: string[] = [];
  for (const test of cases) if (await fails(test)) names.push(test.name);
  return names;
}

function versionOf(name: string): string {
  if (name === 'otel-audit') return 'this';
  const manifest = JSON.parse(readFileSync(join(FIXTURES, 'redactors/package.json'), 'utf8')) as { dependencies: Record<string, string> };
  return manifest.dependencies[name] ?? '';
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

async function attempt(redact: Redact, body: string, contentType: string): Promise<string> {
  try {
    return await redact(body, contentType);
  } catch {
    return body;
  }
}

type ModuleOf = (name: string) => Callable;

interface Callable {
  (...args: readonly unknown[]): Callable;
  readonly DeepRedact: new (options: object) => Callable;
  readonly SyncRedactor: new () => Callable;
  readonly Redactor: new () => Callable;
  readonly OpenRedaction: new (options: object) => Callable;
  redact(value: unknown): string;
  map(value: unknown): unknown;
  detect(text: string): Promise<{ readonly redacted: string }>;
}

void main();
