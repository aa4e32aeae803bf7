/** Redacts XML and HTML: elements and attributes by name, pairs of them, and everything by value. Lenient, for clients are. */

import { Edits } from './edits.js';
import type { Engine } from './engine.js';
import { COMPLETION, NAME_SHIFT, SENSITIVE, VALUE_SHIFT } from './keys.js';
import { MASK } from './redactor.js';
import { decodeEntities, encodeEntities, endOfTag, parseTag, type Tag } from './xml-tag.js';

export function looksLikeXml(text: string): boolean {
  return XML_START.test(text);
}

const XML_START = /^\s*<(?:[A-Za-z_][\w.:-]*[\s/>]|\?xml|!DOCTYPE|!--)/i;

/** `cut`: the text's end is missing. */
export function redactXml(text: string, engine: Engine, depth: number, cut: boolean): string {
  return new XmlScan(text, engine, depth, cut).run();
}

interface Element {
  readonly name: string;
  readonly hidden: boolean;
  /** Where its content begins. */
  readonly from: number;
  readonly verdict: number;
  /** How surely its last name-like child names a secret: 3 hides any sibling after it. */
  named: number;
  hasName: boolean;
  /** From, to and strength of the content of value-like children that no name has come before. */
  readonly pending: number[];
  /** Children so far, whether the first is a secret's name and nothing else, and where the second's content is. */
  children: number;
  headed: boolean;
  secondFrom: number;
  secondTo: number;
}

function createElement(name: string, from: number, hidden: boolean, verdict: number): Element {
  return { name, hidden, from, verdict, named: 0, hasName: false, pending: [], children: 0, headed: false, secondFrom: 0, secondTo: 0 };
}

class XmlScan {
  readonly #text: string;
  readonly #engine: Engine;
  readonly #depth: number;
  readonly #cut: boolean;
  readonly #edits = new Edits();
  readonly #stack: Element[] = [];
  /** Around the whole: fragments have several elements at the top. */
  readonly #root = createElement('', 0, false, 0);
  #index = 0;
  /** Elements open beyond the deepest level; what they hold is hidden. */
  #tooDeep = 0;

  constructor(text: string, engine: Engine, depth: number, cut: boolean) {
    this.#text = text;
    this.#engine = engine;
    this.#depth = depth;
    this.#cut = cut;
  }

  run(): string {
    const text = this.#text;
    while (this.#index < text.length) {
      const open = this.#nextMarkup(this.#index);
      if (open > this.#index) this.#content(this.#index, open, this.#cut && open === text.length);
      this.#index = open;
      if (open < text.length) this.#markup(open);
    }
    if (this.#cut) this.#maskUnnamed();
    this.#maskUnclosed();
    return this.#edits.apply(text, text.length);
  }

  /** At a cut, the name of a value that has come before it may be missing. */
  #maskUnnamed(): void {
    this.#stack.forEach((element, level) => {
      const inner = this.#stack[level + 1];
      if (inner !== undefined) element.pending.push(inner.from, this.#text.length, (inner.verdict >> VALUE_SHIFT) & 3);
      if (!element.hasName) this.#maskPending(element, 2);
    });
  }

  #maskUnclosed(): void {
    [this.#root, ...this.#stack].forEach((element, level) => {
      const inner = this.#stack[level];
      if (element.headed && element.children === 1 && inner !== undefined) this.#edits.add(inner.from, this.#text.length, MASK);
      this.#maskSecond(element);
    });
  }

  #nextMarkup(from: number): number {
    let open = this.#text.indexOf('<', from);
    while (open !== -1 && !/[A-Za-z_/!?\u0080-\uffff]/.test(this.#text[open + 1] ?? '')) open = this.#text.indexOf('<', open + 1);
    return open === -1 ? this.#text.length : open;
  }

  #markup(from: number): void {
    const text = this.#text;
    if (text.startsWith('<!--', from)) this.#section(from, 4, '-->');
    else if (text.startsWith('<![CDATA[', from)) this.#section(from, 9, ']]>');
    else if (text.startsWith('<?', from)) this.#section(from, 2, '?>');
    else if (text.startsWith('<!', from)) this.#declaration(from);
    else this.#tag(from);
  }

  #tag(from: number): void {
    const text = this.#text;
    const to = endOfTag(text, from);
    if (to === -1) {
      this.#edits.add(from, text.length, this.#cut ? '' : MASK);
      this.#index = text.length;
      return;
    }
    this.#index = to;
    if (text[from + 1] === '/') this.#close(text.slice(from + 2, to - 1).trim(), from);
    else this.#open(parseTag(text, from, to), to);
  }

  #section(from: number, opening: number, ending: string): void {
    const end = this.#text.indexOf(ending, from + opening);
    const to = end === -1 ? this.#text.length : end;
    this.#content(from + opening, to, this.#cut && end === -1);
    this.#index = end === -1 ? to : to + ending.length;
  }

  /** Entities declared in a document type could spell a secret out; what declares any goes. */
  #declaration(from: number): void {
    const text = this.#text;
    const close = text.indexOf('>', from);
    const subset = text.indexOf('[', from);
    if (subset === -1 || (close !== -1 && close < subset)) {
      this.#index = close === -1 ? text.length : close + 1;
      this.#content(from + 2, close === -1 ? text.length : close, false);
      return;
    }
    const end = text.indexOf(']>', subset);
    this.#index = end === -1 ? text.length : end + 2;
    this.#edits.add(from, this.#index, `<!DOCTYPE ${MASK}>`);
  }

  #open(tag: Tag, contentFrom: number): void {
    const parent = this.#stack[this.#stack.length - 1];
    const verdict = this.#verdictOf(tag.name, parent);
    const valued = (verdict >> VALUE_SHIFT) & 3;
    const byPair = parent !== undefined && (parent.named >= 3 || (valued > 0 && parent.named + valued >= 3));
    const hidden = this.#tooDeep > 0 || parent?.hidden === true || (verdict & SENSITIVE) !== 0 || byPair;
    const named = this.#attributes(tag, hidden);
    if (tag.closed || VOID.has(tag.name.toLowerCase())) return;
    if (this.#stack.length >= MAX_NESTING) {
      this.#tooDeep++;
      return;
    }
    this.#stack.push(createElement(tag.name, contentFrom, hidden || named, verdict));
  }

  #verdictOf(name: string, parent: Element | undefined): number {
    const local = name.slice(name.indexOf(':') + 1);
    const verdict = this.#engine.keys.verdict(local);
    if (parent === undefined || (verdict & (SENSITIVE | COMPLETION)) !== COMPLETION) return verdict;
    return verdict | this.#engine.keys.verdictBelow(parent.name.slice(parent.name.indexOf(':') + 1), local);
  }

  /** True if an attribute names what the element holds: `<property name="password">`. */
  #attributes(tag: Tag, hidden: boolean): boolean {
    const { keys } = this.#engine;
    const attributes = tag.attributes.map((attribute) => ({
      ...attribute,
      verdict: keys.verdict(attribute.name.slice(attribute.name.indexOf(':') + 1)),
    }));
    let named = 0;
    for (const { value, verdict } of attributes) {
      const strength = (verdict >> NAME_SHIFT) & 3;
      if (strength > 0 && (keys.verdict(decodeEntities(value)) & SENSITIVE) !== 0) named = Math.max(named, strength);
    }
    for (const { name, from, to, value, verdict } of attributes) {
      const valued = (verdict >> VALUE_SHIFT) & 3;
      if (/^xmlns(?::|$)/.test(name) || from === to) continue;
      if (hidden || (verdict & SENSITIVE) !== 0 || (valued > 0 && valued + named >= 3)) this.#edits.add(from, to, MASK);
      else this.#redact(value, from, to, false);
    }
    return named > 0;
  }

  #close(name: string, contentTo: number): void {
    if (this.#tooDeep > 0) {
      this.#tooDeep--;
      return;
    }
    // 64 levels: how far unclosed elements are forgiven; bounds the work for closing tags that match nothing.
    for (let level = this.#stack.length - 1; level >= Math.max(0, this.#stack.length - 64); level--) {
      const element = this.#stack[level];
      if (element?.name !== name) continue;
      this.#stack.length = level;
      this.#maskSecond(element);
      this.#judge(element, this.#stack[level - 1] ?? this.#root, contentTo);
      return;
    }
  }

  /** Two elements that are a name and its value, whatever they are called: `<td>Password</td><td>x</td>`. */
  #maskSecond({ children, headed, secondFrom, secondTo }: Element): void {
    if (children === 2 && headed && secondTo > secondFrom) this.#edits.add(secondFrom, secondTo, MASK);
  }

  #count(element: Element, parent: Element, to: number): void {
    parent.children++;
    if (parent.children === 1 && element.children === 0 && to - element.from <= 64) {
      const text = decodeEntities(this.#text.slice(element.from, to)).trim();
      parent.headed = text !== '' && (this.#engine.keys.verdict(text) & SENSITIVE) !== 0;
    } else if (parent.children === 2) {
      parent.secondFrom = element.from;
      parent.secondTo = to;
    }
  }

  #judge(element: Element, parent: Element, to: number): void {
    this.#count(element, parent, to);
    const naming = (element.verdict >> NAME_SHIFT) & 3;
    if (naming > 0 && to - element.from <= 128) {
      const text = decodeEntities(this.#text.slice(element.from, to).replace(/<!\[CDATA\[|\]\]>/g, '')).trim();
      const sensitive = (this.#engine.keys.verdict(text) & SENSITIVE) !== 0;
      // A property list's `key` names the very next element, whatever that is called.
      parent.named = sensitive ? (element.name === 'key' ? 3 : naming) : 0;
      parent.hasName ||= naming === 2;
      if (sensitive) this.#maskPending(parent, 3 - naming);
    }
    const valued = (element.verdict >> VALUE_SHIFT) & 3;
    if (valued > 0 && !element.hidden) parent.pending.push(element.from, to, valued);
  }

  #maskPending(element: Element, strength: number): void {
    for (let entry = 0; entry < element.pending.length; entry += 3) {
      if ((element.pending[entry + 2] ?? 0) >= strength)
        this.#edits.add(element.pending[entry] ?? 0, element.pending[entry + 1] ?? 0, MASK);
    }
  }

  #content(from: number, to: number, cut: boolean): void {
    const raw = this.#text.slice(from, to);
    const trimmed = raw.trim();
    if (trimmed === '') return;
    const begin = from + raw.indexOf(trimmed);
    if (this.#tooDeep > 0 || this.#stack[this.#stack.length - 1]?.hidden) this.#edits.add(begin, begin + trimmed.length, MASK);
    else this.#redact(trimmed, begin, begin + trimmed.length, cut);
  }

  #redact(raw: string, from: number, to: number, cut: boolean): void {
    const decoded = decodeEntities(raw);
    const redacted = this.#engine.string(decoded, this.#depth, cut);
    if (redacted !== decoded) this.#edits.add(from, to, encodeEntities(redacted));
  }
}

const MAX_NESTING = 1000;

/** HTML elements that have no content and need no closing. */
const VOID: ReadonlySet<string> = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));
