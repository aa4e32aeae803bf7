// A service like any other: it knows nothing of the audit.
const http = require('node:http');

const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' }).end('{"ok":true}');
  });
});

server.listen(Number(process.env.PORT ?? 0), () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
