// Puts the queries together: functions in front of what uses them, and the same for a workspace.

const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

const FUNCTIONS = splitFunctions(readFileSync(path.join(__dirname, 'functions.kql'), 'utf8'));

/** By name without ending: `{ question, appInsights, workspace }`. */
function buildPack() {
  const folder = path.join(__dirname, 'queries');
  const names = readdirSync(folder).map((file) => path.basename(file, '.kql'));
  return Object.fromEntries(names.sort().map((name) => [name, built(readFileSync(path.join(folder, `${name}.kql`), 'utf8'))]));
}

function built(source) {
  const appInsights = withFunctions(source);
  return { question: source.slice(3, source.indexOf('\n')), appInsights, workspace: forWorkspace(appInsights) };
}

/** The functions that a query uses, and those that they use, below its comment. */
function withFunctions(source) {
  const comment = /^(?:\/\/.*\n)*/.exec(source)[0];
  const body = source.slice(comment.length);
  return `${comment}${functionsFor(body)
    .map(({ text }) => text)
    .join('')}${body}`;
}

function functionsFor(text) {
  const direct = FUNCTIONS.filter(({ name }) => text.includes(`${name}(`));
  const needed = new Set(direct.flatMap(({ name, text: own }) => [...functionsFor(own.replaceAll(name, '')).map((one) => one.name), name]));
  return FUNCTIONS.filter(({ name }) => needed.has(name));
}

/** `name` and the whole declaration, comment and semicolon included, of each. */
function splitFunctions(text) {
  return text.split(/(?<=^};\n)/m).map((declaration) => ({ name: /^let (\w+)/m.exec(declaration)[1], text: declaration }));
}

/** What Application Insights' tables and columns are called where they are queried as a workspace's. */
const WORKSPACE_NAMES = {
  customEvents: 'AppEvents',
  timestamp: 'TimeGenerated',
  name: 'Name',
  customDimensions: 'Properties',
  customMeasurements: 'Measurements',
  operation_Id: 'OperationId',
  operation_ParentId: 'ParentId',
  operation_Name: 'OperationName',
  cloud_RoleName: 'AppRoleName',
  cloud_RoleInstance: 'AppRoleInstance',
  itemCount: 'ItemCount',
};

/** Neither in texts nor in comments. */
function forWorkspace(text) {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/.*|\b\w+\b/g, (token) =>
    Object.hasOwn(WORKSPACE_NAMES, token) ? WORKSPACE_NAMES[token] : token,
  );
}

/** The functions as a workspace saves them: each for itself, with what it uses in front. */
function workspaceFunctions() {
  return FUNCTIONS.map(({ name, text }) => {
    const body = /\{\n([\s\S]*)\n\};\n$/.exec(text)[1];
    const before = functionsFor(body)
      .map((one) => one.text)
      .join('');
    return { name, query: forWorkspace(`${before}${body}`) };
  });
}

module.exports = { buildPack, withFunctions, workspaceFunctions };
