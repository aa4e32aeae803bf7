/**
 * Runs KQL over rows in memory, so that a test can see what a query answers: the operators and functions that our queries use, read
 * from the syntax tree of the language service. What it does not know, it refuses.
 */

import { parseKql } from './kql.js';
import { type KqlNode, nodeOf } from './kql-node.js';
import { AGGREGATES, compare, datetimeOf, equalFold, isTrue, SCALARS, textOf, timespanOf } from './kql-values.js';

export type KqlRow = Readonly<Record<string, unknown>>;
type Rows = readonly KqlRow[];
type KqlFunction = (args: readonly unknown[]) => unknown;

/** What names mean: tables and tabular `let`s are arrays of rows, functions are functions, everything else is a value. */
export type Scope = ReadonlyMap<string, unknown>;

/** What the tables and the declarations in `functions` mean at the time `now`. What a function gives is computed once. */
export function kqlScope(tables: Readonly<Record<string, Rows>>, now: number, functions = ''): Scope {
  return declareAll(nodeOf(parseKql(functions)), new Map<string, unknown>([...Object.entries(tables), ['$now', now]]));
}

/** @throws if the query uses what is not known here. Whether it has faults, `analyzeKql` says. */
export function runKql(query: string, scope: Scope): Rows {
  const result = evaluateBlock(nodeOf(parseKql(query)), scope);
  if (!Array.isArray(result)) throw new Error('the query gives no table');
  return result as Rows;
}

/** The `Statements` of a query or a function, and its `Expression`. */
function evaluateBlock(block: KqlNode, outer: Scope): unknown {
  const scope = declareAll(block, outer);
  const last = elements(child(block, 'Statements')).find(({ kind }) => kind === 'ExpressionStatement');
  return evaluate(optional(block, 'Expression') ?? child(last ?? block, 'Expression'), scope);
}

function declareAll(block: KqlNode, outer: Scope): Scope {
  const scope = new Map(outer);
  for (const statement of elements(child(block, 'Statements'))) {
    if (statement.kind === 'LetStatement') scope.set(text(child(statement, 'Name')), declared(child(statement, 'Expression'), scope));
  }
  return scope;
}

function declared(expression: KqlNode, scope: Scope): unknown {
  if (expression.kind !== 'FunctionDeclaration') return evaluate(expression, scope);
  const parameters = elements(child(child(expression, 'Parameters'), 'Parameters')).map((one) =>
    text(child(child(one, 'NameAndType'), 'Name')),
  );
  const declaredIn = new Map(scope);
  const known = new Map<string, unknown>();
  return ((args) => {
    const key = JSON.stringify(args);
    const named = parameters.map((name, index) => [name, args[index]] as const);
    if (!known.has(key)) known.set(key, evaluateBlock(child(expression, 'Body'), new Map([...declaredIn, ...named])));
    return known.get(key);
  }) as KqlFunction;
}

function operate(operator: KqlNode, rows: Rows, scope: Scope): Rows {
  const expressions = (): readonly KqlNode[] => elements(child(operator, 'Expressions'));
  switch (operator.kind) {
    case 'FilterOperator':
      return rows.filter((row, index) => isTrue(evaluate(child(operator, 'Condition'), within(scope, row, rows, index))));
    case 'ExtendOperator':
    case 'SerializeOperator':
      return rows.map((row, index) => ({ ...row, ...columnsOf(expressions(), within(scope, row, rows, index)) }));
    case 'ProjectOperator':
      return rows.map((row, index) => columnsOf(expressions(), within(scope, row, rows, index)));
    case 'DistinctOperator':
      return unique(rows.map((row) => columnsOf(expressions(), within(scope, row))));
    case 'SummarizeOperator':
      return summarize(operator, rows, scope);
    case 'SortOperator':
      return sorted(expressions(), rows, scope);
    case 'TopOperator':
      return sorted([child(operator, 'ByExpression')], rows, scope).slice(0, Number(evaluate(child(operator, 'Expression'), scope)));
    case 'JoinOperator':
      return join(operator, rows, scope);
    case 'MvExpandOperator':
      return expand(expressions(), rows, scope);
    default:
      throw new Error(`unknown operator: ${text(operator)}`);
  }
}

function summarize(operator: KqlNode, rows: Rows, scope: Scope): Rows {
  const keys = optional(operator, 'ByClause');
  const by = keys === undefined ? [] : elements(child(keys, 'Expressions'));
  const groups = new Map<string, { readonly key: KqlRow; readonly rows: KqlRow[] }>();
  for (const row of rows) {
    const key = columnsOf(by, within(scope, row));
    const name = JSON.stringify(key);
    const group = groups.get(name) ?? { key, rows: [] };
    group.rows.push(row);
    groups.set(name, group);
  }
  if (by.length === 0 && groups.size === 0) groups.set('', { key: {}, rows: [] });
  return [...groups.values()].map(({ key, rows: members }) => {
    const result: Record<string, unknown> = { ...key };
    for (const aggregate of elements(child(operator, 'Aggregates'))) Object.assign(result, aggregated(aggregate, members, scope));
    return result;
  });
}

/** `take_any(a, b)` and `arg_max(a, b)` are columns `a` and `b`; all others have a name of their own. */
function aggregated(expression: KqlNode, rows: Rows, scope: Scope): KqlRow {
  if (expression.kind === 'SimpleNamedExpression') {
    return { [text(child(expression, 'Name'))]: evaluateOver(child(expression, 'Expression'), rows, scope) };
  }
  const call = text(child(expression, 'Name'));
  const args = elements(child(child(expression, 'ArgumentList'), 'Expressions')).map(text);
  const first = args[0] ?? '';
  if (call === 'take_any') return Object.fromEntries(args.map((name) => [name, rows[0]?.[name]]));
  if (call !== 'arg_max') throw new Error(`an aggregate without a name: ${text(expression)}`);
  const row = rows.reduce((most, one) => (compare(one[first], most[first]) > 0 ? one : most), rows[0] ?? {});
  return Object.fromEntries(args.map((name) => [name, row[name]]));
}

/** An expression of aggregates: `sum(copies) - count()`. */
function evaluateOver(node: KqlNode, rows: Rows, scope: Scope): unknown {
  if (node.kind === 'BinaryExpression') {
    return arithmetic(
      text(child(node, 'Operator')),
      evaluateOver(child(node, 'Left'), rows, scope),
      evaluateOver(child(node, 'Right'), rows, scope),
    );
  }
  const aggregate = AGGREGATES[text(child(node, 'Name'))];
  if (aggregate === undefined) throw new Error(`unknown aggregate: ${text(node)}`);
  const args = elements(child(child(node, 'ArgumentList'), 'Expressions'));
  return aggregate(rows.map((row) => args.map((argument) => evaluate(argument, within(scope, row)))));
}

function sorted(by: readonly KqlNode[], rows: Rows, scope: Scope): Rows {
  const keys = by.map((one) => ({
    expression: one.kind === 'OrderedExpression' ? child(one, 'Expression') : one,
    // The language's default is descending.
    sign: one.children.get('Ordering')?.text === 'asc' ? 1 : -1,
  }));
  const valued = rows.map((row) => ({ row, values: keys.map(({ expression }) => evaluate(expression, within(scope, row))) }));
  valued.sort((a, b) => keys.reduce((order, { sign }, index) => order || sign * compare(a.values[index], b.values[index]), 0));
  return valued.map(({ row }) => row);
}

function join(operator: KqlNode, left: Rows, scope: Scope): Rows {
  const kind = /kind\s*=\s*(\w+)/.exec(text(child(operator, 'Parameters')))?.[1];
  if (kind !== 'inner' && kind !== 'leftouter') throw new Error(`unknown kind of join: ${kind}`);
  const right = evaluate(child(operator, 'Expression'), scope) as Rows;
  const on = elements(child(child(operator, 'ConditionClause'), 'Expressions')).map(text);
  const keyOf = (row: KqlRow): string => JSON.stringify(on.map((name) => row[name]));
  const matches = new Map<string, KqlRow[]>();
  for (const row of right) matches.set(keyOf(row), [...(matches.get(keyOf(row)) ?? []), row]);
  return left.flatMap((row) => {
    const found: Rows = matches.get(keyOf(row)) ?? (kind === 'inner' ? [] : [{}]);
    // Columns of the same name keep the left one's value.
    return found.map((other) => ({ ...other, ...row }));
  });
}

function expand(expressions: readonly KqlNode[], rows: Rows, scope: Scope): Rows {
  const [only, ...others] = expressions;
  if (only === undefined || others.length > 0) throw new Error('mv-expand takes one expression');
  const named = child(only, 'Expression');
  return rows.flatMap((row) => {
    const values = evaluate(child(named, 'Expression'), within(scope, row));
    return (Array.isArray(values) ? values : [null]).map((value: unknown) => ({ ...row, [text(child(named, 'Name'))]: value }));
  });
}

function columnsOf(expressions: readonly KqlNode[], scope: Scope): KqlRow {
  return Object.fromEntries(
    expressions.map((one) =>
      one.kind === 'SimpleNamedExpression'
        ? [text(child(one, 'Name')), evaluate(child(one, 'Expression'), scope)]
        : [text(one), evaluate(one, scope)],
    ),
  );
}

function evaluate(node: KqlNode, scope: Scope): unknown {
  switch (node.kind) {
    case 'PipeExpression':
      return operate(child(node, 'Operator'), evaluate(child(node, 'Expression'), scope) as Rows, scope);
    case 'UnionOperator':
      return elements(child(node, 'Expressions')).flatMap((one) => evaluate(one, scope) as Rows);
    case 'ParenthesizedExpression':
      return evaluate(child(node, 'Expression'), scope);
    case 'NameReference':
      return lookUp(text(node), scope);
    case 'LiteralExpression':
    case 'CompoundStringLiteralExpression':
      return literal(text(node));
    case 'DynamicExpression':
      return JSON.parse(text(child(node, 'Expression')));
    case 'ElementExpression':
      return memberOf(evaluate(child(node, 'Expression'), scope), evaluate(child(child(node, 'Selector'), 'Expression'), scope));
    case 'PathExpression':
      return memberOf(evaluate(child(node, 'Expression'), scope), text(child(node, 'Selector')));
    case 'BinaryExpression':
      return binary(node, scope);
    case 'InExpression':
      return isIn(node, scope);
    case 'FunctionCallExpression':
      return call(node, scope);
    default:
      throw new Error(`unknown expression ${node.kind}: ${text(node)}`);
  }
}

function lookUp(name: string, scope: Scope): unknown {
  const row = scope.get('$row') as KqlRow | undefined;
  if (row !== undefined && name in row) return row[name];
  // A column that a join has not filled.
  return scope.get(name);
}

function binary(node: KqlNode, scope: Scope): unknown {
  const operator = text(child(node, 'Operator'));
  const left = evaluate(child(node, 'Left'), scope);
  if (operator === 'and') return isTrue(left) && isTrue(evaluate(child(node, 'Right'), scope));
  if (operator === 'or') return isTrue(left) || isTrue(evaluate(child(node, 'Right'), scope));
  const right = evaluate(child(node, 'Right'), scope);
  switch (operator) {
    case '==':
      return compare(left, right) === 0;
    case '!=':
      return compare(left, right) !== 0;
    case '=~':
      return equalFold(left, right);
    case '!~':
      return !equalFold(left, right);
    case '<':
    case '<=':
    case '>':
    case '>=':
      if (left === null || left === undefined || right === null || right === undefined) return false;
      return operator.startsWith('<')
        ? compare(left, right) < (operator === '<' ? 0 : 1)
        : compare(left, right) > (operator === '>' ? 0 : -1);
    case 'startswith':
      return textOf(left).toLowerCase().startsWith(textOf(right).toLowerCase());
    case 'endswith':
      return textOf(left).toLowerCase().endsWith(textOf(right).toLowerCase());
    default:
      return arithmetic(operator, left, right);
  }
}

function arithmetic(operator: string, left: unknown, right: unknown): unknown {
  if (left === null || left === undefined || right === null || right === undefined) return null;
  const [a, b] = [Number(left), Number(right)];
  const isDate = left instanceof Date && !(right instanceof Date);
  if (operator === '+') return isDate ? new Date(a + b) : a + b;
  if (operator === '-') return isDate ? new Date(a - b) : a - b;
  throw new Error(`unknown operator: ${operator}`);
}

function isIn(node: KqlNode, scope: Scope): boolean {
  const operator = text(child(node, 'Operator'));
  const left = evaluate(child(node, 'Left'), scope);
  const values = elements(child(child(node, 'Right'), 'Expressions')).flatMap((one) => {
    const value = evaluate(one, scope);
    // A table of one column stands for its values.
    return Array.isArray(value)
      ? value.flatMap((item: unknown) => (typeof item === 'object' && item !== null ? Object.values(item) : [item]))
      : [value];
  });
  const isFound = values.some((value) => (operator.endsWith('~') ? equalFold(left, value) : compare(left, value) === 0));
  return operator.startsWith('!') ? !isFound : isFound;
}

function call(node: KqlNode, scope: Scope): unknown {
  const name = text(child(node, 'Name'));
  const args = elements(child(child(node, 'ArgumentList'), 'Expressions'));
  const now = Number(scope.get('$now'));
  if (name === 'now') return new Date(now);
  if (name === 'ago') return new Date(now - Number(evaluate(args[0] as KqlNode, scope)));
  if (name === 'prev') return lookBack(text(args[0] as KqlNode), scope);
  const own = scope.get(name);
  const values = args.map((argument) => evaluate(argument, scope));
  if (typeof own === 'function') return (own as KqlFunction)(values);
  const scalar = SCALARS[name];
  if (scalar === undefined) throw new Error(`unknown function: ${name}`);
  return scalar(values);
}

function lookBack(name: string, scope: Scope): unknown {
  const rows = scope.get('$rows') as Rows;
  return rows[Number(scope.get('$index')) - 1]?.[name];
}

function within(scope: Scope, row: KqlRow, rows: Rows = [], index = 0): Scope {
  return new Map([...scope, ['$row', row], ['$rows', rows], ['$index', index]]);
}

function memberOf(value: unknown, key: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[String(key)] : undefined;
}

function literal(token: string): unknown {
  if (/^["']/.test(token)) return token.slice(1, -1).replace(/\\(.)/g, '$1');
  if (token === 'true' || token === 'false') return token === 'true';
  return timespanOf(token) ?? datetimeOf(token) ?? Number(token);
}

function unique(rows: Rows): Rows {
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}

function optional(node: KqlNode, name: string): KqlNode | undefined {
  return node.children.get(name);
}

function child(node: KqlNode, name: string): KqlNode {
  const found = node.children.get(name);
  if (found === undefined) throw new Error(`${node.kind} has no ${name}: ${text(node)}`);
  return found;
}

/** Of a list, without its separators. */
function elements(list: KqlNode): readonly KqlNode[] {
  return list.elements;
}

function text(node: KqlNode): string {
  return node.text;
}
