/** Plots as SVG, without a script: they print, and show in any reader. */

import type { Ranked } from './counts.js';
import { html, type Markup } from './markup.js';
import type { Timeline, TimelineStep } from './timeline.js';

const WIDTH = 960;
const HEIGHT = 180;
const LEFT = 52;
const BOTTOM = 22;

/** Stacked columns: success below, failure on it, the rest on top. */
export function timelineChart({ steps, stepMs }: Timeline): Markup {
  if (steps.length === 0) return html`<p class="none">No records in this time.</p>`;
  const top = Math.max(1, ...steps.map(totalOf));
  const width = (WIDTH - LEFT) / steps.length;
  const scale = (count: number): number => ((HEIGHT - BOTTOM) * count) / top;
  const columns = steps.map((step, index) => {
    const x = LEFT + index * width;
    let y = HEIGHT - BOTTOM;
    const parts = (['success', 'failure', 'other'] as const).flatMap((outcome) => {
      const height = scale(step[outcome]);
      y -= height;
      return height === 0
        ? []
        : [
            html`<rect class="${outcome}" x="${round(x)}" y="${round(y)}" width="${round(Math.max(0.5, width - 1))}" height="${round(height)}"/>`,
          ];
    });
    return html`<g>${parts}<title>${label(step.from, stepMs)}: ${step.success} succeeded, ${step.failure} failed, ${step.other} other</title></g>`;
  });
  const first = steps[0]?.from ?? '';
  const last = steps[steps.length - 1]?.from ?? '';
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Requests and events over time">
<line class="axis" x1="${LEFT}" y1="${HEIGHT - BOTTOM}" x2="${WIDTH}" y2="${HEIGHT - BOTTOM}"/>
<text x="${LEFT - 6}" y="10" text-anchor="end">${number(top)}</text><text x="${LEFT - 6}" y="${HEIGHT - BOTTOM}" text-anchor="end">0</text>
${columns}
<text x="${LEFT}" y="${HEIGHT - 6}">${label(first, stepMs)}</text><text x="${WIDTH}" y="${HEIGHT - 6}" text-anchor="end">${label(last, stepMs)}</text>
</svg>`;
}

/** A table whose numbers are bars as well. */
export function rankingTable(head: readonly [string, string], rows: readonly Ranked[], none: string): Markup {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return html`<table><thead><tr><th>${head[0]}</th><th class="number">${head[1]}</th><th class="bar"></th></tr></thead><tbody>
${rows.map(
  ({ name, count }) =>
    html`<tr><td>${name}</td><td class="number">${number(count)}</td><td class="bar">${bar(count / most)}</td></tr>
`,
)}</tbody></table>`;
}

export function number(count: number): string {
  return count.toLocaleString('en-US');
}

function bar(share: number): Markup {
  return html`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="share" width="${round(share * 100)}" height="10"/></svg>`;
}

function totalOf({ success, failure, other }: TimelineStep): number {
  return success + failure + other;
}

function label(time: string, stepMs: number): string {
  return stepMs >= 86_400_000 ? time.slice(0, 10) : `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
