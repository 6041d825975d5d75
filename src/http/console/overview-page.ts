import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { MOST_COUNTED, type QueueOverview } from '../../jobs/queue-overview.ts';
import { HISTORY_RANGES, MOST_ENDED, type ThroughputHistory } from '../../jobs/throughput-history.ts';
import { count, counted, duration, type Html, instant, secondsBetween } from './figures.ts';
import { layout, livePart, liveSwitch } from './layout.ts';
import { historyTable, nameOf, throughputPlot, totalsOf, waitPlot } from './plots.ts';

/** What the page is made of. */
export interface Overview {
  queue: QueueOverview;
  history: ThroughputHistory;
}

/** How it goes: the queue, the workers, the last hours. */
export function overviewPage(session: ConsoleSession, overview: Overview): Html {
  const { range } = overview.history;
  return layout({
    title: 'Overview',
    session,
    at: 'overview',
    main: html`<div class="head">
        <h1>Overview</h1>
        ${liveSwitch()}
      </div>
      ${livePart(`/console/fragments/overview?range=${range}`, overviewFragment(overview))}`,
  });
}

export function overviewFragment({ queue, history }: Overview): Html {
  return html`${tiles({ queue, history })} ${historySection(history)}
    <div class="columns">${queueSection(queue)}${workersSection(queue)}</div>`;
}

function tiles({ queue: { groups, workers, lostWorkers }, history }: Overview): Html {
  const { range, buckets } = history;
  const { completed, failed } = totalsOf(history);
  const latest = buckets.findLast(({ waitP95 }) => waitP95 !== null);
  const depth = groups.reduce((sum, group) => sum + group.depth, 0);
  const oldest = Math.max(0, ...groups.map(({ oldestSeconds }) => oldestSeconds));
  const busy = workers.reduce((sum, worker) => sum + worker.busy, 0);
  const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
  const ended = completed + failed;
  const tile = (name: string, value: string | Html, note: string | Html, state = '') =>
    html`<div class="tile${state && ` tile-${state}`}">
      <dt>${name}</dt>
      <dd>${value}</dd>
      <dd class="note">${note}</dd>
    </div>`;
  return html`<dl class="tiles">
    ${tile('Queued', html`<a id="tile-queued" href="/console/jobs?status=queued">${depthOf(depth)}</a>`, depth === 0 ? 'nothing waits' : `oldest ${duration(oldest)}`)}
    ${tile('Running', html`<a id="tile-running" href="/console/jobs?status=processing">${count(busy)}</a>`, `of ${counted(slots, 'slot')}`)}
    ${tile('Workers', count(workers.length), lostWorkers > 0 ? `${count(lostWorkers)} lost today` : 'none lost today', workers.length === 0 ? 'bad' : '')}
    ${tile('Completed', count(completed), `in ${range}`)}
    ${tile('Failed', html`<a id="tile-failed" href="/console/jobs?status=failed">${count(failed)}</a>`, ended === 0 ? `in ${range}` : `${((failed / ended) * 100).toFixed(1)} % in ${range}`)}
    ${tile('Wait p95', latest ? duration(latest.waitP95 ?? 0) : '–', latest ? `p50 ${duration(latest.waitP50 ?? 0)}, latest` : `in ${range}`)}
  </dl>`;
}

/** Where counting ended is told as such. */
const depthOf = (depth: number) => (depth >= MOST_COUNTED ? `${count(depth)}+` : count(depth));

function historySection(history: ThroughputHistory): Html {
  const { range, incompleteBefore } = history;
  const choice = (each: string) =>
    html`<li>
      <a id="range-${each}" href="/console?range=${each}" ${each === range && html` aria-current="true"`}>${each}</a>
    </li>`;
  return html`<section aria-labelledby="history">
    <div class="head">
      <h2 id="history">Last ${nameOf(range)}</h2>
      <nav aria-label="Range of the plots">
        <ul class="choices">
          ${HISTORY_RANGES.map(choice)}
        </ul>
      </nav>
    </div>
    ${incompleteBefore && html`<p class="hint">More than ${count(MOST_ENDED)} jobs ended: only those since ${instant(incompleteBefore)} are counted.</p>`}
    <div class="plots">${throughputPlot(history)}${waitPlot(history)}</div>
    ${historyTable(history)}
  </section>`;
}

function queueSection({ groups }: QueueOverview): Html {
  const rows = groups.map(
    ({ priority, tier, depth, oldestSeconds }) =>
      html`<tr>
        <th scope="row">${tier === '' ? 'unknown' : tier}</th>
        <td>${priority}</td>
        <td class="number">${depthOf(depth)}</td>
        <td class="number">${duration(oldestSeconds)}</td>
      </tr>`,
  );
  return html`<section aria-labelledby="queue">
    <h2 id="queue">Queue</h2>
    ${
      groups.length === 0
        ? html`<p class="empty">Nothing waits.</p>`
        : html`<table aria-labelledby="queue">
            <thead>
              <tr>
                <th scope="col">Tier</th>
                <th scope="col">Priority</th>
                <th scope="col" class="number">Depth</th>
                <th scope="col" class="number">Oldest</th>
              </tr>
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>`
    }
  </section>`;
}

/** Seconds without a sign of life from which on a worker is told to be silent; after ten others take its jobs. */
const SILENT_SECONDS = 6;

function workersSection({ workers }: QueueOverview): Html {
  const rows = workers.map(
    ({ host, pid, slots, busy, silentSeconds, startedAt }) =>
      html`<tr>
        <th scope="row">${host}<span class="dim">:${pid}</span></th>
        <td class="slots">${meter(busy, slots)} <span class="number">${busy} / ${slots}</span></td>
        <td class="number">
          ${silentSeconds > SILENT_SECONDS ? html`<span class="warn">silent ${duration(silentSeconds)}</span>` : 'well'}
        </td>
        <td class="number wide">${duration(secondsBetween(startedAt, new Date()))}</td>
      </tr>`,
  );
  return html`<section aria-labelledby="workers">
    <h2 id="workers">Workers</h2>
    ${
      workers.length === 0
        ? html`<p class="empty">
            No worker is running: nothing is rendered. Start one with <code>pdfprompt work</code>.
          </p>`
        : html`<table aria-labelledby="workers">
            <thead>
              <tr>
                <th scope="col">Worker</th>
                <th scope="col">Slots</th>
                <th scope="col" class="number">Signs of life</th>
                <th scope="col" class="number wide">Up</th>
              </tr>
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>`
    }
  </section>`;
}

/** The figures stand beside it. */
function meter(busy: number, slots: number): Html {
  const width = Math.min(100, (busy / slots) * 100);
  return html`<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="meter-back" width="100" height="8" />
    <rect class="meter-full" width="${Math.round(width)}" height="8" />
  </svg>`;
}
