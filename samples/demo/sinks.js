// A real sink for each exporter, what to set for it, and how to read it back.
'use strict';

const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

const DIST = path.join(__dirname, '../../dist');

async function postgres() {
  const { startPostgres } = require(path.join(DIST, 'test/support/postgres.js'));
  const { fromRow, SELECT_LIST } = require(path.join(DIST, 'exporters/postgres/index.js'));
  const { Client } = require('pg');
  const server = await startPostgres();
  return {
    name: `PostgreSQL ${server.version}`,
    where: server.url,
    env: { AUDIT_EXPORTER: 'postgres', AUDIT_POSTGRES_URL: server.url },
    async records() {
      const client = new Client(server.url);
      await client.connect();
      const { rows } = await client.query(`SELECT ${SELECT_LIST} FROM audit_logs ORDER BY occurred_at`);
      await client.end();
      return rows.map(fromRow);
    },
    close: () => server.stop(),
    next: `  With --keep the database stays up; then, for instance:
    SELECT occurred_at, actor_id, action, outcome FROM audit_logs WHERE tenant_id = 'acme' ORDER BY occurred_at DESC LIMIT 20;
    SELECT actor_email, client_address, count(*) FROM audit_logs WHERE action = 'login.created' AND outcome = 'failure' GROUP BY 1, 2;
    SELECT request_body ->> 'item' FROM audit_logs WHERE action = 'order.created';
  npm run demo -- --exporter azure   shows the same in Application Insights' words, with the KQL for the portal.
  npm run demo -- --exporter file    needs no database at all.`,
  };
}

async function azure() {
  const { startIngestionServer } = require(path.join(DIST, 'test/support/ingestion-server.js'));
  const { recordsFromEnvelopes } = require(path.join(DIST, 'exporters/azure/index.js'));
  const server = await startIngestionServer();
  const kql = path.join(__dirname, '../azure/kql/trail.kql');
  return {
    name: `a local ingestion endpoint (${server.url})`,
    where: server.connectionString,
    env: { AUDIT_EXPORTER: 'azure', AUDIT_AZURE_CONNECTION_STRING: server.connectionString },
    records: async () => recordsFromEnvelopes(server.items).records,
    close: () => server.close(),
    get next() {
      const [{ data, tags, time }] = server.items.filter((item) => item.data.baseData.properties?.['audit.action'] === 'order.created');
      return `  A custom event as it went over the wire (${server.items.length} in ${server.requests.length} requests):
${indent(JSON.stringify({ time, operation_Id: tags['ai.operation.id'], name: data.baseData.name, customDimensions: data.baseData.properties }, null, 2))}

  The KQL that finds the trail in the portal (samples/azure/kql/trail.kql):
${indent(readFileSync(kql, 'utf8'))}`;
    },
  };
}

async function file(directory) {
  const trail = path.join(directory, 'audit-log');
  return {
    name: 'the files',
    where: trail,
    env: { AUDIT_EXPORTER: 'file', AUDIT_FILE_DIR: trail },
    async records() {
      const files = readdirSync(trail, { recursive: true }).filter((name) => name.endsWith('.jsonl'));
      const lines = files.flatMap((name) => readFileSync(path.join(trail, name), 'utf8').split('\n').filter(Boolean));
      return lines.map((line) => JSON.parse(line));
    },
    close: async () => {},
    next: `  One JSON line a record, chained by hash: <AUDIT_FILE_DIR>/<stream>/00000001.jsonl
  Without --exporter file the same files are the journal that survives a crash, a restart, and a database that is down.`,
  };
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}

module.exports = { postgres, azure, file };
