// Prints a trail so that a person likes to read it.
'use strict';

const colours = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, green, red, yellow, cyan] = [1, 2, 32, 31, 33, 36].map(paint);
const OUTCOME = { success: green, failure: red, aborted: yellow, unknown: yellow };
const ROWS_PER_ACTION = 2;

function heading(text) {
  console.log(`\n${bold(text)}\n`);
}

function command(env, line) {
  for (const [name, value] of Object.entries(env)) console.log(`  ${name}='${value}' \\`);
  console.log(`  ${cyan(line)}`);
}

/** A few of each kind, in order: a hundred lines of the same would hide what is there. */
function trail(records) {
  const counts = new Map();
  const shown = records.filter((record) => {
    const kind = [record.action, record.outcome, record.actor.type, record.tenant?.id].join();
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts.get(kind) <= ROWS_PER_ACTION;
  });
  table(
    ['time', 'actor', 'type', 'tenant', 'action', 'target', 'outcome', 'status', 'ms', 'client'],
    shown.map((record) => [
      record.time.slice(11, 23),
      (record.actor.email ?? record.actor.id) + (record.actor.verified || record.actor.type === 'anonymous' ? '' : '?'),
      record.actor.type,
      record.tenant?.slug ?? record.tenant?.id ?? '',
      record.action,
      record.target?.id ? `${record.target.type} ${record.target.id.slice(0, 8)}` : '',
      record.outcome,
      String(record.response?.status ?? '-'),
      (record.durationMs ?? 0).toFixed(1),
      record.client?.address ?? '',
    ]),
    { 6: (text) => (OUTCOME[text.trim()] ?? dim)(text) },
  );
  console.log(dim(`\n  ${shown.length} of ${records.length} records; actor? = claimed by a token that nobody has verified for the trail`));
}

function record({ actor, request, response, integrity, ...rest }) {
  const lines = [
    ['record', `${rest.id}  ${rest.action}  ${rest.outcome} ${response.status} in ${rest.durationMs} ms`],
    ['actor', JSON.stringify(actor)],
    ['request', `${request.method} ${request.path}?${request.query}  (${request.id})`],
    ['body in', request.body],
    ['body out', response.body],
    ['trace', rest.trace?.traceId ?? '-'],
    ['chain', `${integrity.stream} #${integrity.seq}  ${integrity.prevHash.slice(0, 12)}… → ${integrity.hash.slice(0, 12)}…`],
  ];
  for (const [name, value] of lines) console.log(`  ${dim(name.padEnd(9))} ${value.replaceAll('[REDACTED]', yellow('[REDACTED]'))}`);
}

function counters(sent, records, { capture, exporters }) {
  const excluded = Object.values(capture.excluded).reduce((sum, count) => sum + count, 0);
  const dropped = Object.values(capture.dropped).reduce((sum, count) => sum + count, 0);
  const [[name, exporter]] = Object.entries(exporters);
  const own = records.filter((record) => record.kind === 'lifecycle');
  console.log(`  sent by the client   ${sent}`);
  console.log(`  the audit's own      ${own.length} (${own.map((record) => record.action).join(', ')})`);
  console.log(
    `  seen                 ${capture.seen}  = ${excluded} excluded (${Object.keys(capture.excluded).join(', ')}) + ${capture.journalled} journalled + ${dropped} dropped`,
  );
  console.log(
    `  ${name.padEnd(20)} ${exporter.delivered} delivered, ${exporter.undelivered} undelivered, ${exporter.deadLettered} dead letters`,
  );
  console.log(`  read back            ${records.length}`);
  const complete =
    sent + own.length === capture.seen && capture.seen === excluded + records.length && exporter.delivered === records.length;
  console.log(complete ? green('  Every request is accounted for.') : red('  The numbers do not add up.'));
  if (!complete) process.exitCode = 1;
}

function table(titles, rows, painters) {
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells, painter) => `  ${cells.map((cell, column) => painter(cell.padEnd(widths[column]), column)).join('  ')}`.trimEnd();
  console.log(line(titles, (text) => dim(text)));
  for (const row of rows) console.log(line(row, (text, column) => (painters[column] ? painters[column](text) : text)));
}

module.exports = { heading, command, trail, record, counters };
