/** The path and query of a request target, in whichever form the client sent it (RFC 9112, section 3.2). */

/** `http://user:password@host/orders?x=1`, as clients send it to proxies and anyone may to a service, is `/orders?x=1`. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const authority = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target)?.[0];
  if (authority === undefined) return target;
  const rest = target.slice(authority.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
