/** What the ORM adapters have in common: the form of a change, and how transactions keep it until it is certain. */

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

/** Holds changes back until their transaction ends; an inner transaction's go to the one around it. */
export class PendingChanges {
  readonly #levels: Certain[][] = [];

  get isOpen(): boolean {
    return this.#levels.length > 0;
  }

  begin(): void {
    this.#levels.push([]);
  }

  add(certain: Certain): void {
    const level = this.#levels.at(-1);
    if (level === undefined) certain();
    else level.push(certain);
  }

  commit(): void {
    for (const certain of this.#levels.pop() ?? []) this.add(certain);
  }

  rollback(): void {
    this.#levels.pop();
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
