/** The action of a GraphQL or tRPC request, whose path says nothing. Only under such a path: a body must not rename anything else. */

import { graphqlOperation } from './graphql-operation.js';

export interface OperationFacts {
  /** The redacted path. */
  readonly path: string;
  readonly route: string | undefined;
  /** Redacted, without the question mark. */
  readonly query: string | undefined;
  /** Redacted JSON, whole: of a cut one nobody knows what else it asked for. */
  readonly body: string | undefined;
}

/** `mutation.createOrder`, `order.create`; several are joined by `+`. Undefined where the route names the action. */
export function operationOf(facts: OperationFacts): string | undefined {
  try {
    if (/\/(?:graphql|gql)\/?$/i.test(facts.route ?? facts.path)) return graphqlAction(facts);
    return trpcAction(facts.path);
  } catch {
    // Hostile input must cost the name, never the record.
    return undefined;
  }
}

// What is named is enough to find the record by; the body has the rest.
const NAMED = 8;

function graphqlAction({ body, query }: OperationFacts): string | undefined {
  const asked = body === undefined ? fromQuery(query) : parse(body);
  const names = (Array.isArray(asked) ? asked : [asked]).map(graphqlName);
  // A batch with a part that nobody can name would be named after its harmless parts.
  return names.some((name) => name === undefined) ? undefined : joined(names as readonly string[]);
}

function graphqlName(asked: unknown): string | undefined {
  if (typeof asked !== 'object' || asked === null) return undefined;
  const { query, operationName } = asked as { readonly query?: unknown; readonly operationName?: unknown };
  if (typeof query !== 'string') return undefined;
  const operation = graphqlOperation(query, typeof operationName === 'string' && operationName !== '' ? operationName : undefined);
  return operation && `${operation.type}.${joined(operation.fields)}`;
}

function fromQuery(query: string | undefined): unknown {
  if (query === undefined) return undefined;
  const parameters = new URLSearchParams(query);
  return { query: parameters.get('query'), operationName: parameters.get('operationName') };
}

/** `/api/trpc/order.create,user.get`: procedures are named by the service, so anything else there is no procedure. */
function trpcAction(path: string): string | undefined {
  const procedures = /\/trpc\/([\w.,%-]+)\/?$/.exec(path)?.[1]?.replaceAll(/%2c/gi, ',').split(',');
  return procedures?.every((procedure) => /^[a-z_]\w*(?:\.[a-z_]\w*)*$/i.test(procedure)) === true ? joined(procedures) : undefined;
}

function joined(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  return distinct.length > NAMED ? `${distinct.slice(0, NAMED).join('+')}+…` : distinct.join('+');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
