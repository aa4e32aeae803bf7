// The workbook: overview, drill-down to one record, and the pack's findings. Its queries are the pack's, filtered by its parameters.

const { withFunctions } = require('./pack.js');

const COMPONENT = 'microsoft.insights/components';
const WINDOW = 'let window = now() - todatetime("{TimeRange:startISO}");';
const FILTER = `| where '*' in ({Actor}) or actorId in ({Actor})
| where '*' in ({Tenant}) or tenantId in ({Tenant})
| where '*' in ({Outcome}) or outcome in ({Outcome})`;

/** `pack`: of `buildPack`. */
function buildWorkbook(pack) {
  const items = [
    text('# Audit trail\nWho did what, for whom, with what result. Times are UTC. `verified: false` means: merely claimed by the client.'),
    parameters(),
    query('deeds over time', chart('| summarize deeds = count() by outcome, bin(occurredAt, {TimeRange:grain})'), 'timechart'),
    query('most frequent actions', chart('| summarize deeds = count() by action\n| top 10 by deeds desc'), 'barchart'),
    query(
      'most active actors',
      chart('| summarize deeds = count(), failures = countif(outcome == "failure") by actorId, actorEmail\n| top 20 by deeds desc'),
      'table',
    ),
    trail(pack),
    details(pack),
    ...FINDINGS.flatMap(([title, names]) => [
      text(`## ${title}`),
      ...names.map((name) => query(pack[name].question, windowed(pack[name].appInsights), 'table')),
    ]),
  ];
  return {
    version: 'Notebook/1.0',
    items: items.map((item, index) => ({ ...item, name: `item ${index + 1}` })),
    fallbackResourceIds: ['{component}'],
    $schema: 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json',
  };
}

const FINDINGS = [
  ['Access', ['failed-logins', 'privilege-use', 'cross-tenant', 'unusual-hours', 'unusual-countries', 'data-exports']],
  ['Service', ['latency-by-route']],
  ['The trail itself', ['sequence-gaps', 'chain-breaks', 'heartbeat-gaps', 'drop-counters', 'losses', 'duplicates', 'ingestion-sampling']],
];

function windowed(kql) {
  return kql.replace(/^let window = .*;$/m, WINDOW);
}

function chart(rest) {
  return withFunctions(`${WINDOW}\nAuditDeeds(window)\n${FILTER}\n${rest}\n`);
}

function trail(pack) {
  const filtered = windowed(pack.trail.appInsights).replace(/^AuditRecords\(window\)$/m, `AuditRecords(window)\n${FILTER}`);
  const item = query(`${pack.trail.question} Choose a row for the whole record.`, filtered, 'table');
  return {
    ...item,
    content: { ...item.content, exportedParameters: [{ fieldName: 'recordId', parameterName: 'Record', parameterType: 1 }] },
  };
}

function details(pack) {
  const kql = pack.bodies.appInsights.replace(/^let window = .*;$/m, WINDOW).replace(/^let wanted = .*;$/m, 'let wanted = "{Record}";');
  return {
    ...query(pack.bodies.question, kql, 'table'),
    conditionalVisibility: { parameterName: 'Record', comparison: 'isNotEqualTo', value: '' },
  };
}

function text(json) {
  return { type: 1, content: { json } };
}

function query(title, kql, visualization) {
  return {
    type: 3,
    content: {
      version: 'KqlItem/1.0',
      query: kql,
      size: 0,
      title,
      timeContextFromParameter: 'TimeRange',
      queryType: 0,
      resourceType: COMPONENT,
      visualization,
      ...(visualization === 'table' ? { gridSettings: { rowLimit: 1000, filter: true } } : {}),
    },
  };
}

function parameters() {
  const choice = (id, name, column) => ({
    id,
    version: 'KqlParameterItem/1.0',
    name,
    type: 2,
    isRequired: true,
    multiSelect: true,
    quote: "'",
    delimiter: ',',
    query: withFunctions(`${WINDOW}\nAuditDeeds(window)\n| where isnotempty(${column})\n| distinct ${column}\n| order by ${column} asc\n`),
    typeSettings: { additionalResourceOptions: ['value::all'], selectAllValue: '*', showDefault: false },
    timeContextFromParameter: 'TimeRange',
    defaultValue: 'value::all',
    queryType: 0,
    resourceType: COMPONENT,
  });
  return {
    type: 9,
    content: {
      version: 'KqlParameterItem/1.0',
      parameters: [
        {
          id: '4f6f3b0e-6b0e-4d3c-9a55-000000000001',
          version: 'KqlParameterItem/1.0',
          name: 'TimeRange',
          label: 'Time range',
          type: 4,
          isRequired: true,
          value: { durationMs: 86400000 },
          typeSettings: {
            selectableValues: [3600000, 14400000, 86400000, 604800000, 2592000000].map((durationMs) => ({ durationMs })),
            allowCustom: true,
          },
        },
        choice('4f6f3b0e-6b0e-4d3c-9a55-000000000002', 'Actor', 'actorId'),
        choice('4f6f3b0e-6b0e-4d3c-9a55-000000000003', 'Tenant', 'tenantId'),
        choice('4f6f3b0e-6b0e-4d3c-9a55-000000000004', 'Outcome', 'outcome'),
      ],
      style: 'pills',
      queryType: 0,
      resourceType: COMPONENT,
    },
  };
}

module.exports = { buildWorkbook };
