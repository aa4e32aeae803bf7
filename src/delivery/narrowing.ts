/**
 * Finds the record because of which a sink refuses a whole batch: offers less and less until the record stands alone, and
 * buries it only where others are taken at the same time. An outage refuses everything, so it never buries anything.
 */

/** After so many refusals of all that was offered in a row, the next offer is a single record. */
const WHOLE_REFUSALS = 3;
/** So often in a row a record must be refused alone, and another be taken right after it. */
export const STRIKES = 5;

export interface Refusable {
  /** Indices in the batch. */
  readonly offered: readonly number[];
  /** How many of them are settled now. */
  readonly settled: number;
  /** The sink said when to come back: it speaks of itself, not of a record. */
  readonly isAsked: boolean;
}

/** A row of bad records this long is no bad luck but a fault of the sink or its tables: then none is buried. */
const MAX_WITNESSES = 64;

export class Narrowing {
  readonly #size: number;
  readonly #random: () => number;
  #limit = Number.POSITIVE_INFINITY;
  #refusals = 0;
  /** The record that was refused alone, and whether another has to be tried now. */
  #suspect: number | undefined;
  #needsWitness = false;
  #strikes = 0;

  /** @param size of the batch; what is added behind are witnesses */
  constructor(size: number, random: () => number) {
    this.#size = size;
    this.#random = random;
  }

  get isNarrow(): boolean {
    return this.#limit !== Number.POSITIVE_INFINITY;
  }

  /** A record from beyond the batch would tell whether the sink takes anything: those in it may be bad for the same reason. */
  wantsWitness(open: readonly number[]): boolean {
    return this.#suspect !== undefined && this.#needsWitness && this.#witnesses(open).length < MAX_WITNESSES;
  }

  /** Which of the open records to offer next, in their order. */
  choose(open: readonly number[], maxCount: number): readonly number[] {
    if (this.#suspect === undefined) return open.slice(0, Math.min(maxCount, this.#limit));
    const others = open.filter((index) => index !== this.#suspect);
    if (!this.#needsWitness || others.length === 0) return [this.#suspect];
    const witnesses = this.#witnesses(others);
    const able = witnesses.length > 0 ? witnesses : others;
    return able.slice(Math.floor(this.#random() * able.length)).slice(0, 1);
  }

  /** Takes in an answer; the index of a record to bury, if one is found guilty. */
  answered({ offered, settled, isAsked }: Refusable): number | undefined {
    if (settled > 0) return this.#taken(offered);
    if (!isAsked) this.#refused(offered);
    return undefined;
  }

  /** The sink rejected every one of several records, perhaps because of one. */
  split(count: number): void {
    this.#limit = Math.max(1, count >> 1);
  }

  #taken(offered: readonly number[]): number | undefined {
    this.#refusals = 0;
    this.#limit *= 2;
    const suspect = this.#suspect;
    if (suspect === undefined) return undefined;
    if (offered.includes(suspect)) return this.#acquit();
    this.#needsWitness = false;
    this.#strikes += 1;
    if (this.#strikes < STRIKES) return undefined;
    this.#acquit();
    return suspect;
  }

  #refused(offered: readonly number[]): void {
    this.#refusals += 1;
    const [first] = offered;
    if (this.#suspect !== undefined && first === this.#suspect) this.#needsWitness = true;
    // The witness is refused as well: it is the sink.
    else if (this.#suspect !== undefined) this.#acquit();
    else if (offered.length === 1 && this.isNarrow) this.#accuse(first);
    else if (this.isNarrow) this.#limit = Math.max(1, offered.length >> 1);
    if (this.#refusals >= WHOLE_REFUSALS) this.#limit = 1;
  }

  #witnesses(open: readonly number[]): readonly number[] {
    return open.filter((index) => index >= this.#size && index !== this.#suspect);
  }

  #accuse(index: number | undefined): void {
    this.#suspect = index;
    this.#needsWitness = true;
    this.#strikes = 0;
  }

  #acquit(): undefined {
    this.#suspect = undefined;
    this.#strikes = 0;
  }
}
