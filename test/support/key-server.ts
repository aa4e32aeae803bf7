/** An identity provider's key set on a loopback port, whose answers the test holds back or changes. */

import http from 'node:http';
import { listen } from './audited-server.js';
import type { KeyPair } from './tokens.js';

export async function startKeyServer(keys: KeyPair[]) {
  let gate = Promise.resolve();
  const state = { requests: 0, status: 200 };
  const server = await listen(
    http.createServer(async (_request, response) => {
      state.requests += 1;
      await gate;
      response.writeHead(state.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
    }),
  );
  return {
    ...server,
    state,
    keys,
    /** Holds answers back until the function it returns is called. */
    hold(): () => void {
      let release = (): void => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
  };
}
