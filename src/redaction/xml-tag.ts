/** Reads the tags of XML and HTML. */

export interface Tag {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  /** `<a/>` */
  readonly closed: boolean;
}

export interface Attribute {
  readonly name: string;
  /** As written, without quotes; from `from` to `to`. */
  readonly value: string;
  readonly from: number;
  readonly to: number;
}

/** The offset after the `>` that ends the tag at `from`; -1 if there is none. */
export function endOfTag(text: string, from: number): number {
  let quote = '';
  for (let index = from + 1; index < text.length; index++) {
    const character = text[index] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '>') return index + 1;
    else if ((character === '"' || character === "'") && /[=\s]/.test(text[index - 1] ?? '')) quote = character;
  }
  return -1;
}

export function parseTag(text: string, from: number, to: number): Tag {
  const closed = text[to - 2] === '/';
  const end = closed ? to - 2 : to - 1;
  NAME.lastIndex = from + 1;
  const name = NAME.exec(text)?.[0] ?? '';
  const attributes: Attribute[] = [];
  ATTRIBUTE.lastIndex = from + 1 + name.length;
  for (let match = ATTRIBUTE.exec(text); match !== null && match.index < end; match = ATTRIBUTE.exec(text)) {
    const value = match[2] ?? match[3] ?? match[4];
    if (value === undefined) continue;
    const valueTo = Math.min(end, ATTRIBUTE.lastIndex - (match[4] === undefined ? 1 : 0));
    attributes.push({ name: match[1] ?? '', value, from: valueTo - value.length, to: valueTo });
  }
  return { name, attributes, closed };
}

const NAME = /[^\s/>="'<]*/y;
const ATTRIBUTE = /[\s/]*([^\s=/>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/y;

export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos|nbsp));/g,
    (entity, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return NAMED[name] ?? entity;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
    },
  );
}

export function encodeEntities(text: string): string {
  return text.replace(/[<>&"]/g, (character) => ENCODED[character] ?? character);
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: '\u00a0' };
const ENCODED: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
