// An ordinary service. Where its callers are is found when the record is built, from a file in memory: nobody is asked.

const http = require('node:http');

const server = http.createServer((_request, response) => response.end('hello\n'));
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));

process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
