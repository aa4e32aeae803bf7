// An ordinary service that reports to Application Insights. Its audit trail is wired in telemetry.js; nothing here knows of it.

const { shutdown, trackEvent } = require('./telemetry.js');
const { randomUUID } = require('node:crypto');
const express = require('express');

const invoices = new Map();
const app = express();
app.use(express.json());

app.post('/api/invoices', (req, res) => {
  const { customer, amount } = req.body ?? {};
  if (typeof customer !== 'string' || !(amount > 0)) return res.status(422).json({ error: 'an invoice needs a customer and an amount' });
  const invoice = { id: randomUUID(), customer, amount, status: 'open' };
  invoices.set(invoice.id, invoice);
  trackEvent('invoice issued', { customer });
  res.status(201).json(invoice);
});

app.get('/api/invoices/:id', (req, res) => {
  const invoice = invoices.get(req.params.id);
  if (invoice === undefined) return res.status(404).json({ error: 'no such invoice' });
  res.json(invoice);
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`invoices on http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => {
  server.close(shutdown);
  server.closeIdleConnections();
});
