/** What a verification found, in ranges: neighbours of one kind become one finding, so that a lost month is a line and not a million. */

/**
 * `modified`: not what was recorded. `missing`: committed or linked to, and not there. `reordered`: there, in another place.
 * `foreign`: not of this chain, or signed by nobody known. `replayed`: there twice. `late`: appended to a stream that had ended.
 * `stale`: the trail ends before what is known of it elsewhere.
 */
export type FindingKind = 'modified' | 'missing' | 'reordered' | 'foreign' | 'replayed' | 'late' | 'stale';

export interface Finding {
  readonly kind: FindingKind;
  readonly stream: string;
  readonly epoch: number;
  /** Sequence numbers; 0 where the finding is about no single record. */
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly detail: string;
  /** Of the first records concerned, at most `MAX_IDS`. */
  readonly ids: readonly string[];
}

/** `unsigned`: no checkpoint covers it. `open`: the stream did not end, so nobody can say what came after. `trimmed`, `pruned`: gone by rule. */
export type UnprovenKind = 'unsigned' | 'open' | 'pending' | 'trimmed' | 'pruned' | 'since';

export interface Unproven {
  readonly kind: UnprovenKind;
  readonly stream: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly detail: string;
}

/** Where it is, for people, up to the colon; empty where it is about no stream. */
export function rangeText({ stream, fromSeq, toSeq }: Pick<Finding, 'stream' | 'fromSeq' | 'toSeq'>): string {
  if (stream === '') return '';
  if (fromSeq === 0) return `stream ${stream}: `;
  return `stream ${stream}, ${fromSeq === toSeq ? `record ${fromSeq}` : `records ${fromSeq} to ${toSeq}`}: `;
}

const MAX_IDS = 5;
// A trail of which every second record is broken must not become a report that fills the memory.
const MAX_FINDINGS = 10_000;

export class Findings {
  readonly #findings: Finding[] = [];
  #left = 0;

  get list(): readonly Finding[] {
    return this.#findings;
  }

  /** Findings that were counted and not kept. */
  get leftOut(): number {
    return this.#left;
  }

  add(finding: Omit<Finding, 'ids'>, id?: string): void {
    const ids = id === undefined ? [] : [id];
    const last = this.#findings.at(-1);
    if (last !== undefined && continues(last, finding)) {
      this.#findings[this.#findings.length - 1] = { ...last, toSeq: finding.toSeq, ids: [...last.ids, ...ids].slice(0, MAX_IDS) };
    } else if (this.#findings.length < MAX_FINDINGS) this.#findings.push({ ...finding, ids });
    else this.#left += 1;
  }

  /** Says of a record that was found to be something, that it is something else. False if it was not. */
  replace(stream: string, seq: number, from: FindingKind, to: Pick<Finding, 'kind' | 'detail'>): boolean {
    const at = this.#findings.findLastIndex((found) => found.stream === stream && found.kind === from && found.toSeq === seq);
    const found = this.#findings[at];
    if (found === undefined) return false;
    this.#findings[at] = { ...found, fromSeq: seq, ...to };
    if (found.fromSeq < seq) this.#findings.splice(at, 0, { ...found, toSeq: seq - 1 });
    return true;
  }
}

function continues(last: Finding, next: Omit<Finding, 'ids'>): boolean {
  return (
    last.kind === next.kind &&
    last.detail === next.detail &&
    last.stream === next.stream &&
    last.epoch === next.epoch &&
    last.toSeq + 1 === next.fromSeq
  );
}
