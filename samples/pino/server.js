// Log lines that lead to the audit record: the same request id stands in the log, in the response and in the trail.

const http = require('node:http');
const { setTimeout: wait } = require('node:timers/promises');
const { audit, currentAudit } = require('otel-audit');
const pino = require('pino');

// Asked for every line: whatever has been started by a request, or by a job, logs in its name.
const log = pino({ base: undefined, mixin: () => ({ requestId: currentAudit()?.requestId }) });

const server = http.createServer(async (request, response) => {
  log.info({ method: request.method, url: request.url }, 'request');
  await wait(5);
  log.info('still the same request');
  response.end('ok');
});

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', async () => {
  log.info(`listening on http://127.0.0.1:${server.address().port}`);
  await audit.run({ action: 'cache.warmed', requestId: 'job-1' }, async () => {
    await wait(1);
    log.info('a job has an id too');
  });
});

process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
