/** Cuts text into pieces by their size in UTF-8, never inside a character. */

/** At least one piece; put together they are the text again. */
export function splitText(text: string, maxBytes: number): readonly string[] {
  // No UTF-16 unit takes more than 3 bytes in UTF-8.
  if (text.length * 3 <= maxBytes) return [text];
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return [text];
  const pieces: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = boundaryAtOrBefore(bytes, start + maxBytes);
    pieces.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return pieces;
}

/** The beginning of the text, at most `maxBytes` long. */
export function cutText(text: string, maxBytes: number): string {
  return splitText(text, maxBytes)[0] ?? '';
}

function boundaryAtOrBefore(bytes: Buffer, position: number): number {
  if (position >= bytes.length) return bytes.length;
  let end = position;
  while (isContinuation(bytes[end])) end -= 1;
  return end;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}
