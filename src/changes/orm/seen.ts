/** What the ORM adapters have in common: the form of a change, raw SQL, and how transactions keep a change until it is certain. */

import { livePipeline } from '../../live.js';
import type { JsonObject, JsonValue } from '../../record.js';

/** What an ORM could see. `complete: false` is added unless rows were seen whole, before and after. */
export interface SeenChange {
  readonly table: string;
  readonly operation: 'insert' | 'update' | 'delete' | 'upsert' | 'raw';
  readonly id?: unknown;
  readonly before?: unknown;
  readonly after?: unknown;
  /** Which rows, where the rows themselves were not seen. */
  readonly filter?: unknown;
  /** How many rows, as the database said. */
  readonly count?: unknown;
  /** The statement's text, without its parameters. */
  readonly statement?: unknown;
  readonly isComplete: boolean;
}

/** Called once the change is certain. */
export type Certain = () => void;

/** Belongs to the request or job that runs now, whenever it becomes certain. Never throws: a service's values may. */
export function seen(orm: string, { isComplete, ...change }: SeenChange): Certain {
  try {
    const plain = { orm, ...(plainOf(change) as JsonObject), complete: isComplete };
    return livePipeline()?.changes?.seen([plain]) ?? (() => undefined);
  } catch {
    return () => undefined;
  }
}

const WRITING = /^\s*(?:insert|update|delete|merge|replace|with|truncate)\b/i;

/** Raw SQL that may have written, told as its text without parameters; undefined of what only reads. */
export function rawChange(statement: string | undefined, count?: unknown): SeenChange | undefined {
  if (statement !== undefined && !WRITING.test(statement)) return undefined;
  return { table: 'raw', operation: 'raw', statement, count, isComplete: false };
}

const SAVEPOINT =
  /^\s*(?<verb>savepoint|release(?:\s+savepoint)?|rollback(?:\s+(?:work|transaction))?\s+to(?:\s+savepoint)?)\s+(?<name>[^\s;]+)/i;

/** Holds changes back until their transaction ends; an inner transaction's go to the one around it. */
export class PendingChanges {
  readonly #levels: { readonly savepoint?: string; readonly certain: Certain[] }[] = [];

  get isOpen(): boolean {
    return this.#levels.length > 0;
  }

  begin(): void {
    this.#levels.push({ certain: [] });
  }

  add(certain: Certain): void {
    const level = this.#levels.at(-1);
    if (level === undefined) certain();
    else level.certain.push(certain);
  }

  commit(): void {
    const ended = this.#cut((level) => level.savepoint === undefined);
    for (const certain of ended) this.add(certain);
  }

  rollback(): void {
    this.#cut((level) => level.savepoint === undefined);
  }

  /** A savepoint that was made, released or returned to by raw SQL, within a transaction that the ORM began. */
  follow(statement: string | undefined): void {
    const { verb = '', name = '' } = SAVEPOINT.exec(statement ?? '')?.groups ?? {};
    if (name === '' || !this.isOpen) return;
    const isMaking = /^savepoint/i.test(verb);
    const isKnown = this.#levels.some(({ savepoint }) => savepoint === name);
    if (!isMaking && !isKnown) return;
    const ended = isMaking ? [] : this.#cut(({ savepoint }) => savepoint === name);
    if (/^release/i.test(verb)) for (const certain of ended) this.add(certain);
    // The savepoint is still there after a return to it.
    else this.#levels.push({ savepoint: name, certain: [] });
  }

  /** Ends all levels from the innermost that fits on; what they held, in order. */
  #cut(fits: (level: { readonly savepoint?: string }) => boolean): readonly Certain[] {
    return this.#levels.splice(this.#levels.findLastIndex(fits)).flatMap(({ certain }) => certain);
  }
}

/** A copy as JSON would have it, taken now: entities change later. Big integers as text; what cannot be copied is left out. */
function plainOf(value: unknown): JsonValue | undefined {
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return String(member);
    if (member instanceof RegExp) return String(member);
    // Operators of Sequelize are symbols, which JSON leaves out: a filter without its condition would say another thing.
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    const symbols = Object.getOwnPropertySymbols(member).filter((symbol) => symbol.description !== undefined);
    if (symbols.length === 0) return member;
    return {
      ...member,
      ...Object.fromEntries(symbols.map((symbol) => [String(symbol.description), (member as Record<symbol, unknown>)[symbol]])),
    };
  });
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
}
