/** Memory that lines are read into. Fresh memory for every batch would have the engine collect its whole heap every few batches. */

import { MemberList } from '../line-members.js';

export interface Chunk {
  readonly bytes: Buffer;
  /** Of the lines in it. */
  readonly members: MemberList;
}

// 256 KB: some hundred records a read call.
const CHUNK_BYTES = 262_144;
/** A batch being delivered and one that is read meanwhile: 3 MB each. */
const MOST_SPARE = 26;

export class ChunkPool {
  #spare: Chunk[] = [];

  take(bytes = CHUNK_BYTES): Chunk {
    const spare = bytes === CHUNK_BYTES ? this.#spare.pop() : undefined;
    return spare ?? { bytes: Buffer.allocUnsafeSlow(bytes), members: new MemberList(bytes) };
  }

  /** Of what nobody reads any more. */
  giveBack(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      if (chunk.bytes.length !== CHUNK_BYTES || this.#spare.length === MOST_SPARE) continue;
      chunk.members.length = 0;
      this.#spare.push(chunk);
    }
  }

  /** When there is little to do. */
  shrink(): void {
    this.#spare = this.#spare.slice(0, 1);
  }
}
