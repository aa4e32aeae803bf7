/** The report's sections, each a question and its answer. */

import { rangeText } from '../integrity/findings.js';
import { number, rankingTable, timelineChart } from './chart.js';
import type { SectionId } from './controls.js';
import { type Content, html, type Markup } from './markup.js';
import type { Report } from './report.js';

export interface Section {
  readonly id: SectionId;
  readonly title: string;
  readonly question: string;
  readonly body: Markup;
}

const MAX_ROUTES = 200;
const MAX_FINDINGS = 50;

export function sectionsOf(report: Report): readonly Section[] {
  return [
    { id: 'volume', title: 'Volume', question: 'How much was recorded, when, and how did it end?', body: volume(report) },
    { id: 'actors', title: 'Actors', question: 'Who did it, and how sure is that?', body: actors(report) },
    { id: 'logins', title: 'Refused identities and permissions', question: 'Who was turned away?', body: logins(report) },
    {
      id: 'privilege',
      title: 'Privileged and cross-tenant use',
      question: 'What was done with more power than most have?',
      body: privilege(report),
    },
    { id: 'changes', title: 'Changes', question: 'What was changed?', body: changes(report) },
    { id: 'coverage', title: 'Coverage', question: 'Which routes are recorded, and how much of them?', body: coverage(report) },
    { id: 'completeness', title: 'Completeness', question: 'Is anything missing?', body: completeness(report) },
    { id: 'integrity', title: 'Integrity', question: 'Is this what was recorded?', body: integrity(report) },
    { id: 'retention', title: 'Retention', question: 'How far back does the trail go?', body: retention(report) },
  ];
}

function volume({ tally }: Report): Markup {
  return html`${timelineChart(tally.timeline)}
<p class="legend"><i class="success"></i> succeeded <i class="failure"></i> failed <i class="other"></i> aborted or unknown</p>
<div class="columns">
<div>${rankingTable(['Outcome', 'Records'], rankedOf(tally.outcomes), 'None.')}</div>
<div>${rankingTable(['Status', 'Responses'], rankedOf(tally.statuses), 'No responses.')}</div>
<div>${rankingTable(['Kind', 'Records'], rankedOf(tally.kinds), 'None.')}</div>
</div>
<h3>Most frequent actions</h3>${rankingTable(['Action', 'Records'], tally.actions, 'None.')}`;
}

function actors({ tally }: Report): Markup {
  const rows = tally.actors.map(
    ({ name, type, count, failures }) =>
      html`<tr><td>${name}</td><td>${type}</td><td class="number">${number(count)}</td><td class="number">${number(failures)}</td></tr>
`,
  );
  return html`<p>${number(tally.actorCount)} actors. ${number(tally.anonymous)} records of nobody in particular;
${number(tally.unverified)} more name an actor whom nobody verified: a claim, not a fact.</p>
${
  rows.length === 0
    ? html`<p class="none">None.</p>`
    : html`<table><thead><tr><th>Actor</th><th>Type</th><th class="number">Records</th><th class="number">Failed</th></tr></thead><tbody>
${rows}</tbody></table>`
}
<div class="columns">
<div><h3>Tenants</h3>${rankingTable(['Tenant', 'Records'], tally.tenants, 'No tenant was recorded.')}</div>
<div><h3>Countries</h3>${rankingTable(['Country', 'Records'], tally.countries, 'No geography was recorded.')}</div>
</div>`;
}

function logins({ tally }: Report): Markup {
  return html`<p>${number(tally.failedLoginCount)} failed logins and refused identities (401, or an action such as <code>user.login</code> that failed).</p>
${rankingTable(['Who, from where', 'Refusals'], tally.failedLogins, 'None.')}
<h3>Refused for want of permission (403)</h3>
${rankingTable(['Who, and what', 'Refusals'], tally.forbidden, 'None.')}`;
}

function privilege({ tally }: Report): Markup {
  return html`<p>Actors whose type or role is named like an administrator's.</p>
${rankingTable(['Who, and what', 'Records'], tally.privileged, 'None.')}
<h3>The actor's tenant is not the target's</h3>
${rankingTable(['From tenant → to tenant', 'Records'], tally.crossTenant, 'None.')}`;
}

function changes({ tally }: Report): Markup {
  return html`<p>Requests that change something and succeeded, and row changes.</p>${rankingTable(['Action', 'Records'], tally.changes, 'None.')}`;
}

function coverage({ tally, policy }: Report): Markup {
  const routes = tally.routes.slice(0, MAX_ROUTES).map(
    ({ method, route, count, withRequestBody, withResponseBody }) =>
      html`<tr><td>${method}</td><td><code>${route}</code></td><td class="number">${number(count)}</td><td class="number">${percent(withRequestBody, count)}</td><td class="number">${percent(withResponseBody, count)}</td></tr>
`,
  );
  const rules = policy?.map(
    ({ name, method, place, level }) =>
      html`<tr><td>${name}</td><td>${method}</td><td><code>${place}</code></td><td>${level}</td></tr>
`,
  );
  return html`<h3>Seen in the trail</h3>
${
  routes.length === 0
    ? html`<p class="none">No request.</p>`
    : html`<table><thead><tr><th>Method</th><th>Route</th><th class="number">Records</th><th class="number">with request body</th><th class="number">with response body</th></tr></thead><tbody>
${routes}</tbody></table>`
}
${tally.routes.length > MAX_ROUTES ? html`<p>and ${number(tally.routes.length - MAX_ROUTES)} more.</p>` : undefined}
<h3>The policy where this report was made</h3>
${
  rules === undefined
    ? html`<p class="none">Nothing was configured there, so it cannot say what is left out by rule.</p>`
    : html`<p>First match wins. <code>none</code> is not recorded.</p><table><thead><tr><th>Rule</th><th>Method</th><th>Path or route</th><th>Level</th></tr></thead><tbody>
${rules}</tbody></table>`
}`;
}

function completeness({ tally }: Report): Markup {
  const starts = tally.lifecycle['audit.start'] ?? 0;
  const stops = tally.lifecycle['audit.stop'] ?? 0;
  return html`<p>${number(starts)} processes began to record and ${number(stops)} said that they stopped; ${number(tally.lifecycle['audit.policy.changed'] ?? 0)} changes of policy;
${number(tally.lifecycle['audit.heartbeat'] ?? 0)} heartbeats; ${number(tally.readings)} readings of the trail were recorded.</p>
<h3>Records that say that records are missing</h3>
${tally.losses.length === 0 ? html`<p class="none">None.</p>` : listOf(tally.losses.map(({ time, service, detail }) => html`${time}, ${service}: <code>${detail}</code>`))}
<h3>Silences</h3>
${tally.silences.length === 0 ? html`<p class="none">No process that serves was silent for more than three heartbeats.</p>` : listOf(tally.silences.map(({ service, from, to, minutes }) => html`${service}: ${number(minutes)} minutes from ${from} to ${to}`))}`;
}

function integrity({ verification, isConsistent }: Report): Markup {
  const { records, streams, checkpoints, signed, keys, findings, leftOut, unproven } = verification;
  return html`<p class="${isConsistent ? 'good' : 'bad'}">${isConsistent ? 'No contradiction was found.' : `${number(findings.length + leftOut)} findings: this is NOT what was recorded.`}</p>
<p>${number(records)} records of ${number(streams)} streams were checked: each against its own hash, each chain, each gap. ${number(checkpoints)} checkpoints;
${number(signed)} records are covered by a signature of ${keys.length === 0 ? 'no known key' : keys.join(', ')}.</p>
${findings.length === 0 ? undefined : html`<h3>Found</h3>${listOf(findings.slice(0, MAX_FINDINGS).map((found) => html`<b>${found.kind}</b> ${rangeText(found)}${found.detail}`))}`}
<h3>Cannot be proved</h3>
${unproven.length === 0 ? html`<p class="none">Nothing is left open.</p>` : listOf(unproven.slice(0, MAX_FINDINGS).map((open) => html`<b>${open.kind}</b> ${rangeText(open)}${open.detail}`))}
${unproven.length > MAX_FINDINGS ? html`<p>and ${number(unproven.length - MAX_FINDINGS)} more, all in the JSON report.</p>` : undefined}`;
}

function retention({ tally, verification }: Report): Markup {
  const pruned = verification.unproven.filter(({ kind }) => kind === 'pruned' || kind === 'trimmed');
  return html`<p>The oldest record in this report is of ${tally.first ?? 'no time'}, the newest of ${tally.last ?? 'no time'}; the newest of the trail was observed at
${verification.newest ?? 'no time'}.</p>
<h3>Removed by rule</h3>
${pruned.length === 0 ? html`<p class="none">Nothing that was checked.</p>` : listOf(pruned.map((range) => html`${rangeText(range)}${range.detail}`))}`;
}

function listOf(items: readonly Content[]): Markup {
  return html`<ul>${items.map(
    (item) => html`<li>${item}</li>
`,
  )}</ul>`;
}

function rankedOf(counts: Readonly<Record<string, number>>): { readonly name: string; readonly count: number }[] {
  return Object.entries(counts)
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
}
