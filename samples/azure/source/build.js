// Writes what is made of this folder: `npm run build && node samples/azure/source/build.js`.

const { mkdirSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { COLUMNS } = require('../../../dist/exporters/azure-logs/columns.js');
const { buildPack } = require('./pack.js');
const { buildTemplate } = require('./template.js');
const { buildWorkbook } = require('./workbook.js');

/** By path below samples/azure, the text of every file that is generated. */
function buildFiles() {
  const pack = buildPack();
  const workbook = buildWorkbook(pack);
  const files = { 'workbook.json': json(workbook), 'azuredeploy.json': json(buildTemplate(pack, workbook, COLUMNS)) };
  for (const [name, { appInsights, workspace }] of Object.entries(pack)) {
    files[`kql/${name}.kql`] = appInsights;
    files[`kql/workspace/${name}.kql`] = workspace;
  }
  return files;
}

function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

if (require.main === module) {
  const target = path.join(__dirname, '..');
  for (const file of readdirSync(path.join(target, 'kql'), { recursive: true })) {
    if (file.endsWith('.kql')) rmSync(path.join(target, 'kql', file));
  }
  mkdirSync(path.join(target, 'kql/workspace'), { recursive: true });
  for (const [file, text] of Object.entries(buildFiles())) writeFileSync(path.join(target, file), text);
}

module.exports = { buildFiles };
