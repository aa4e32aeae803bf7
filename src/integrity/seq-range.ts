/** Records of a stream that follow each other, both ends included. */

export interface SeqRange {
  readonly stream: string;
  readonly epoch: number;
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** Whether ranges in order of `fromSeq` cover all of it, one after the other. */
export function isCovered(
  ranges: readonly SeqRange[],
  { stream, epoch }: Pick<SeqRange, 'stream' | 'epoch'>,
  from: number,
  to: number,
): boolean {
  let next = from;
  for (const range of ranges) {
    if (range.stream === stream && range.epoch === epoch && range.fromSeq <= next && range.toSeq >= next) next = range.toSeq + 1;
  }
  return next > to;
}
