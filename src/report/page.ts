/** The report as one self-contained page: no script, no font, no picture from anywhere. */

import { number } from './chart.js';
import { type Content, html, Markup } from './markup.js';
import type { Report } from './report.js';
import { type Section, sectionsOf } from './sections.js';

export function reportPage(report: Report): string {
  const { tally, generatedAt, version, trail, since, until } = report;
  const sections = sectionsOf(report);
  const lost = tally.losses.length;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Audit report, ${generatedAt.slice(0, 10)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Audit report</h1>
<p>${since ?? 'from the beginning'} to ${until ?? generatedAt}<br>Trail: <code>${trail}</code><br>Services: ${tally.services.map(({ name }) => name).join(', ') || 'none'}<br>
Made ${generatedAt} by otel-audit ${version}</p>
</header>
<section class="cards">
${card(number(tally.records), 'records')}${card(number(tally.actorCount), 'actors')}${card(number(tally.outcomes['failure'] ?? 0), 'failed')}${card(number(tally.failedLoginCount), 'identities refused')}
${card(lost === 0 ? 'none' : number(lost), 'losses recorded', lost === 0 ? 'good' : 'bad')}${verdict(report)}
</section>
<nav>${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a> `)}<a href="#controls">Controls</a> <a href="#limits">What it does not show</a></nav>
${sections.map(sectionMarkup)}
${controls(report, sections)}
${limits()}
</body>
</html>
`.text;
}

function card(value: string, label: string, tone = ''): Markup {
  return html`<div class="card ${tone}"><b>${value}</b><span>${label}</span></div>
`;
}

/** Green is for what somebody has signed: that a trail agrees with itself, whoever wrote it anew could see to. */
function verdict({ isConsistent, verification: { signed } }: Report): Markup {
  if (!isConsistent) return card('CONTRADICTED', 'verification', 'bad');
  return signed === 0 ? card('consistent', 'verification; nothing is signed') : card('consistent', 'verification', 'good');
}

function sectionMarkup({ id, title, question, body }: Section): Markup {
  return html`<section id="${id}"><h2>${title}</h2><p class="question">${question}</p>
${body}
</section>
`;
}

function controls(report: Report, sections: readonly Section[]): Markup {
  const titles = new Map(sections.map(({ id, title }) => [id, title]));
  const rows = report.controls.map(({ standard, control, asks, sections: ids, notShown }) => {
    const links: readonly Content[] = ids.map((id) => html`<a href="#${id}">${titles.get(id) ?? id}</a> `);
    return html`<tr><td class="control">${standard}<br>${control}</td><td>${asks}</td><td>${links.length === 0 ? '–' : links}</td><td>${notShown}</td></tr>
`;
  });
  return html`<section id="controls"><h2>Controls</h2><p class="question">Which sections may serve as evidence for which control?</p>
<table><thead><tr><th>Control</th><th>asks, in our words</th><th>Evidence here</th><th>Not shown here</th></tr></thead><tbody>
${rows}</tbody></table></section>`;
}

function limits(): Markup {
  return html`<section id="limits"><h2>What this report does not show</h2>
<ul>
<li>What never reached a recording service, and what its policy leaves out.</li>
<li>That an actor is who the record says, unless the record says that somebody verified it.</li>
<li>A trail that whoever holds the signing key has written anew, or that is shown to somebody else in another version: compare copies of its checkpoints.</li>
<li>That anybody reads the trail and acts on it. A report is evidence for an assessment and no certificate.</li>
</ul></section>`;
}

const STYLE = new Markup(`
:root{--ink:#1c2530;--soft:#5b6775;--line:#d9dfe6;--ground:#fff;--card:#f4f6f9;--success:#2f7d5b;--failure:#c2482f;--other:#8a94a3;--share:#7a9cc6}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaef;--soft:#9aa6b5;--line:#38424e;--ground:#14191f;--card:#1e252d;--success:#57b58a;--failure:#e5745a;--other:#76818f;--share:#5f83b3}}
*{box-sizing:border-box}
body{margin:2rem auto;max-width:62rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground)}
h1{margin:0 0 .25rem;font-size:1.9rem}h2{margin:2.5rem 0 0;font-size:1.35rem}h3{margin:1.25rem 0 .25rem;font-size:1rem}
.question{margin:0 0 .75rem;color:var(--soft)}.none{color:var(--soft)}
code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.cards{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}
.card{flex:1 1 8rem;padding:.75rem 1rem;border-radius:.5rem;background:var(--card);border-left:4px solid var(--line)}
.card b{display:block;font-size:1.4rem}.card span{color:var(--soft)}.card.good{border-color:var(--success)}.card.bad{border-color:var(--failure)}
nav{padding:.5rem 0;border-block:1px solid var(--line)}nav a{margin-right:.75rem}a{color:inherit}
table{width:100%;border-collapse:collapse;margin:.25rem 0}th{text-align:left;color:var(--soft);font-weight:600}
th,td{padding:.3rem .5rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;width:6rem}.bar{width:30%;vertical-align:middle}.bar svg{width:100%;height:.7rem}.control{width:10rem}
svg{width:100%;display:block}svg text{font-size:11px;fill:var(--soft)}.axis{stroke:var(--line)}
.success{fill:var(--success)}.failure{fill:var(--failure)}.other{fill:var(--other)}.share{fill:var(--share)}
.legend i{display:inline-block;width:.8rem;height:.8rem;margin:0 .25rem 0 .75rem;vertical-align:-1px}
i.success{background:var(--success)}i.failure{background:var(--failure)}i.other{background:var(--other)}
.columns{display:flex;flex-wrap:wrap;gap:1.5rem}.columns>div{flex:1 1 15rem;min-width:0}
p.good{font-weight:600;color:var(--success)}p.bad{font-weight:600;color:var(--failure)}
th.number{white-space:normal}
@media (max-width:40rem){.bar{display:none}.number{width:auto}.control{width:auto}}
@media print{body{margin:0;max-width:none}nav{display:none}section{break-inside:avoid-page}table{break-inside:auto}}
`);
