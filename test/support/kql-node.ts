/** The syntax tree of the language service as plain objects, read once: its own are slow to ask. */

import { type SyntaxNode, syntaxKind } from './kql.js';

export interface KqlNode {
  /** `FilterOperator`, `BinaryExpression` … */
  readonly kind: string;
  /** Without white space and comments. */
  readonly text: string;
  /** By what they are to this node: `Condition`, `Left`. */
  readonly children: ReadonlyMap<string, KqlNode>;
  /** Of a list, without its separators. */
  readonly elements: readonly KqlNode[];
}

export function nodeOf(syntax: SyntaxNode): KqlNode {
  const children = new Map<string, KqlNode>();
  const elements: KqlNode[] = [];
  for (let index = 0; index < syntax.ChildCount; index += 1) {
    const child = syntax.GetChild(index);
    if (child === null || child.ChildCount === undefined) continue;
    const name = syntax.GetName(index) ?? '';
    if (name !== '') children.set(name, nodeOf(child));
    else if (child.ChildCount > 0) {
      const first = child.GetChild(0);
      if (first !== null) elements.push(nodeOf(first));
    }
  }
  return {
    kind: syntaxKind(syntax),
    text: syntax
      .ToString()
      .replace(/^(?:\s+|\/\/.*\n)+/, '')
      .trim(),
    children,
    elements,
  };
}
