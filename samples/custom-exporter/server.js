// A service in plain Node. It knows neither of auditing nor of the webhook.

const http = require('node:http');

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ path: request.url, bytes: Buffer.concat(chunks).length }));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`notes on http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => server.close());
