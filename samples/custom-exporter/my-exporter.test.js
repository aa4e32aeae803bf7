// The suite that the built-in exporters pass, on this one: `npm test`.

const http = require('node:http');
const { once } = require('node:events');
const { exporterContract } = require('otel-audit/testing');
const { createExporter } = require('./my-exporter.js');

const POISON = 'poisoned';

/** A webhook as the exporter expects it: stores each id once, refuses what it can never store with 422. */
async function startWebhook(answers = true) {
  const stored = new Map();
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (!answers) return;
    const { records } = JSON.parse(Buffer.concat(chunks));
    if (records.some(({ action }) => action === POISON)) return response.writeHead(422).end();
    for (const record of records) stored.set(record.id, record);
    response.writeHead(201).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const exporter = createExporter({ serviceName: 'test', settings: { url: `http://127.0.0.1:${server.address().port}` } });
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { exporter, read: async () => [...stored.values()], close };
}

exporterContract('webhook', {
  create: () => startWebhook(),
  createStalled: () => startWebhook(false),
  duplicates: 'once',
});
