/** Records of a stream that follow each other, both ends included. */

export interface SeqRange {
  readonly stream: string;
  readonly epoch: number;
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** By stream and epoch, in order, those that touch or overlap as one. */
export function mergeRanges(ranges: readonly SeqRange[]): ReadonlyMap<string, readonly SeqRange[]> {
  const merged = new Map<string, SeqRange[]>();
  for (const range of [...ranges].sort((a, b) => a.fromSeq - b.fromSeq)) {
    const key = `${range.epoch} ${range.stream}`;
    const own = merged.get(key) ?? [];
    merged.set(key, own);
    const last = own.at(-1);
    if (last === undefined || last.toSeq + 1 < range.fromSeq) own.push(range);
    else own[own.length - 1] = { ...last, toSeq: Math.max(last.toSeq, range.toSeq) };
  }
  return merged;
}

/** Answers whether merged ranges cover all of another. A trail may have as many of both as it has records. */
export function createCoverage(merged: ReadonlyMap<string, readonly SeqRange[]>): (range: SeqRange) => boolean {
  return ({ stream, epoch, fromSeq, toSeq }) => {
    const own = merged.get(`${epoch} ${stream}`) ?? [];
    let [low, high] = [0, own.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((own[middle] as SeqRange).toSeq < fromSeq) low = middle + 1;
      else high = middle;
    }
    const found = own[low];
    return found !== undefined && found.fromSeq <= fromSeq && found.toSeq >= toSeq;
  };
}
