// A service in plain Node with tracing of its own. Its audit trail is wired in telemetry.js.

const { shutdown } = require('./telemetry.js');
const http = require('node:http');
const { audit, setActor } = require('otel-audit');

const tickets = [];
const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  // The service knows better than any token who this is.
  setActor({ id: 'agent-7', type: 'user', name: 'Ada' });
  if (request.method === 'POST') tickets.push(Buffer.concat(chunks).toString());
  // Optional too: something that no request says, with this request's actor and trace.
  if (tickets.length === 1) void audit({ action: 'queue.opened' });
  response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ tickets: tickets.length }));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`tickets on http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => server.close(shutdown));
