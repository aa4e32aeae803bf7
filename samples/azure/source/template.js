// The ARM template: a resource for the trail alone, its workbook, alerts and functions; and, if wanted, the table of `azure-logs`.

const { workspaceFunctions } = require('./pack.js');

const ALERTS = [
  // Name, severity (0 critical … 4 verbose), how often, over how long.
  ['failed-logins', 2, 'PT5M', '1h', 'Somebody fails to log in again and again'],
  ['cross-tenant', 1, 'PT15M', '1h', 'Somebody acted in a tenant that is not their own'],
  ['sequence-gaps', 1, 'PT15M', '6h', 'Records are missing from a stream'],
  ['heartbeat-gaps', 1, 'PT5M', '6h', 'A process fell silent without saying that it stopped'],
  ['losses', 1, 'PT15M', '1h', 'Records were lost'],
  ['ingestion-sampling', 2, 'PT1H', '1d', 'Ingestion sampling throws records away'],
];
const MINUTES = { '1h': 'PT1H', '6h': 'PT6H', '1d': 'P1D' };

const METRICS_PUBLISHER = '3913510d-42f4-4e42-8a64-420c390055eb';
const component = "resourceId('Microsoft.Insights/components', parameters('name'))";
const workspace = "resourceId('Microsoft.OperationalInsights/workspaces', parameters('name'))";
const rule = "resourceId('Microsoft.Insights/dataCollectionRules', variables('ruleName'))";
const role = `[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '${METRICS_PUBLISHER}')]`;

/** `columns`: of `Audit_CL`, each with name and type. */
function buildTemplate(pack, workbook, columns) {
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    parameters: PARAMETERS,
    variables: {
      ruleName: "[concat(parameters('name'), '-audit')]",
      withPrincipal: "[not(empty(parameters('principalId')))]",
      withEmail: "[not(empty(parameters('alertEmail')))]",
      workbookData: JSON.stringify(workbook),
    },
    resources: [
      ...base(),
      ...saved(pack),
      workbookResource(),
      actionGroup(),
      ...ALERTS.map((alert) => alertResource(alert, pack)),
      componentRole(),
      ...logsTable(columns),
    ],
    outputs: {
      connectionString: { type: 'string', value: `[reference(${component}, '2020-02-02').ConnectionString]` },
      logsEndpoint: {
        condition: "[parameters('logsTable')]",
        type: 'string',
        value: `[reference(${rule}, '2023-03-11').endpoints.logsIngestion]`,
      },
      logsRuleId: { condition: "[parameters('logsTable')]", type: 'string', value: `[reference(${rule}, '2023-03-11').immutableId]` },
    },
  };
}

const PARAMETERS = {
  name: {
    type: 'string',
    minLength: 4,
    maxLength: 50,
    defaultValue: 'audit-trail',
    metadata: { description: 'Of the Application Insights resource and its workspace.' },
  },
  location: { type: 'string', defaultValue: '[resourceGroup().location]', metadata: { description: 'Where the trail is kept.' } },
  retentionInDays: {
    type: 'int',
    minValue: 30,
    maxValue: 730,
    defaultValue: 365,
    metadata: { description: 'How long the trail can be queried.' },
  },
  alertEmail: {
    type: 'string',
    defaultValue: '',
    metadata: { description: 'Whom the alerts are sent to. Empty: they show in the portal only.' },
  },
  principalId: {
    type: 'string',
    defaultValue: '',
    metadata: {
      description:
        "Object id of the service's managed identity, for AUDIT_AZURE_CREDENTIAL. Empty: the key of the connection string will do.",
    },
  },
  disableLocalAuth: {
    type: 'bool',
    defaultValue: false,
    metadata: { description: 'True: only Entra ID may write to Application Insights; then principalId is needed.' },
  },
  logsTable: {
    type: 'bool',
    defaultValue: false,
    metadata: { description: 'Also the table Audit_CL and its rule, for the azure-logs exporter.' },
  },
};

function base() {
  return [
    {
      type: 'Microsoft.OperationalInsights/workspaces',
      apiVersion: '2022-10-01',
      name: "[parameters('name')]",
      location: "[parameters('location')]",
      properties: { sku: { name: 'PerGB2018' }, retentionInDays: "[parameters('retentionInDays')]" },
    },
    {
      type: 'Microsoft.Insights/components',
      apiVersion: '2020-02-02',
      name: "[parameters('name')]",
      location: "[parameters('location')]",
      kind: 'web',
      dependsOn: [`[${workspace}]`],
      properties: {
        Application_Type: 'web',
        WorkspaceResourceId: `[${workspace}]`,
        DisableLocalAuth: "[parameters('disableLocalAuth')]",
        // Any other value would throw records away.
        SamplingPercentage: 100,
      },
    },
  ];
}

/** The functions, to build on, and the queries, to be found under Queries in the workspace. */
function saved(pack) {
  const resource = (name, properties) => ({
    type: 'Microsoft.OperationalInsights/workspaces/savedSearches',
    apiVersion: '2020-08-01',
    name: `[concat(parameters('name'), '/${name}')]`,
    dependsOn: [`[${workspace}]`],
    properties: { category: 'otel-audit', version: 2, ...properties },
  });
  return [
    ...workspaceFunctions().map(({ name, query }) =>
      resource(name.toLowerCase(), { displayName: name, query, functionAlias: name, functionParameters: 'window:timespan' }),
    ),
    ...Object.entries(pack).map(([name, { question, workspace: query }]) => resource(name, { displayName: question, query })),
  ];
}

function workbookResource() {
  return {
    type: 'Microsoft.Insights/workbooks',
    apiVersion: '2022-04-01',
    name: "[guid(resourceGroup().id, parameters('name'), 'audit workbook')]",
    location: "[parameters('location')]",
    kind: 'shared',
    dependsOn: [`[${component}]`],
    properties: {
      displayName: "[concat('Audit trail of ', parameters('name'))]",
      category: 'workbook',
      version: '1.0',
      sourceId: `[${component}]`,
      serializedData: `[replace(variables('workbookData'), '{component}', ${component})]`,
    },
  };
}

function actionGroup() {
  return {
    condition: "[variables('withEmail')]",
    type: 'Microsoft.Insights/actionGroups',
    apiVersion: '2023-01-01',
    name: "[parameters('name')]",
    location: 'Global',
    properties: {
      groupShortName: 'audit',
      enabled: true,
      emailReceivers: [{ name: 'audit', emailAddress: "[parameters('alertEmail')]", useCommonAlertSchema: true }],
    },
  };
}

function alertResource([name, severity, evaluationFrequency, window, displayName], pack) {
  return {
    type: 'Microsoft.Insights/scheduledQueryRules',
    apiVersion: '2023-12-01',
    name: `[concat(parameters('name'), '-${name}')]`,
    location: "[parameters('location')]",
    kind: 'LogAlert',
    dependsOn: [`[${component}]`, "[resourceId('Microsoft.Insights/actionGroups', parameters('name'))]"],
    properties: {
      displayName: `[concat(parameters('name'), ': ${displayName}')]`,
      description: pack[name].question,
      severity,
      enabled: true,
      scopes: [`[${component}]`],
      evaluationFrequency,
      windowSize: MINUTES[window],
      criteria: {
        allOf: [
          {
            query: pack[name].appInsights.replace(/^let window = .*;$/m, `let window = ${window};`),
            timeAggregation: 'Count',
            operator: 'GreaterThan',
            threshold: 0,
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      autoMitigate: true,
      // Until the first record there is no table to check the query against.
      skipQueryValidation: true,
      actions: {
        actionGroups:
          "[if(variables('withEmail'), createArray(resourceId('Microsoft.Insights/actionGroups', parameters('name'))), createArray())]",
      },
    },
  };
}

function componentRole() {
  return {
    condition: "[variables('withPrincipal')]",
    type: 'Microsoft.Authorization/roleAssignments',
    apiVersion: '2022-04-01',
    name: `[guid(${component}, parameters('principalId'), '${METRICS_PUBLISHER}')]`,
    scope: `[${component}]`,
    dependsOn: [`[${component}]`],
    properties: { roleDefinitionId: role, principalId: "[parameters('principalId')]", principalType: 'ServicePrincipal' },
  };
}

function logsTable(columns) {
  const condition = "[parameters('logsTable')]";
  const table = "resourceId('Microsoft.OperationalInsights/workspaces/tables', parameters('name'), 'Audit_CL')";
  return [
    {
      condition,
      type: 'Microsoft.OperationalInsights/workspaces/tables',
      apiVersion: '2022-10-01',
      name: "[concat(parameters('name'), '/Audit_CL')]",
      dependsOn: [`[${workspace}]`],
      properties: {
        plan: 'Analytics',
        retentionInDays: "[parameters('retentionInDays')]",
        schema: {
          name: 'Audit_CL',
          columns: columns.map(({ name, type, description }) => ({ name, type: type === 'datetime' ? 'dateTime' : type, description })),
        },
      },
    },
    {
      condition,
      type: 'Microsoft.Insights/dataCollectionRules',
      apiVersion: '2023-03-11',
      name: "[variables('ruleName')]",
      location: "[parameters('location')]",
      // With an ingestion endpoint of its own.
      kind: 'Direct',
      dependsOn: [`[${table}]`],
      properties: {
        streamDeclarations: { 'Custom-Audit_CL': { columns: columns.map(({ name, type }) => ({ name, type })) } },
        destinations: { logAnalytics: [{ workspaceResourceId: `[${workspace}]`, name: 'trail' }] },
        dataFlows: [{ streams: ['Custom-Audit_CL'], destinations: ['trail'], transformKql: 'source', outputStream: 'Custom-Audit_CL' }],
      },
    },
    {
      condition: "[and(parameters('logsTable'), variables('withPrincipal'))]",
      type: 'Microsoft.Authorization/roleAssignments',
      apiVersion: '2022-04-01',
      name: `[guid(${rule}, parameters('principalId'), '${METRICS_PUBLISHER}')]`,
      scope: `[${rule}]`,
      dependsOn: [`[${rule}]`],
      properties: { roleDefinitionId: role, principalId: "[parameters('principalId')]", principalType: 'ServicePrincipal' },
    },
  ];
}

module.exports = { buildTemplate };
