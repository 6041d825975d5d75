import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { WebhookTroubles } from '../../deliveries/search-webhooks.ts';
import { MOST_COUNTED, type QueueOverview } from '../../jobs/queue-overview.ts';
import { HISTORY_RANGES, MOST_ENDED, type ThroughputHistory } from '../../jobs/throughput-history.ts';
import { type Column, count, counted, duration, type Html, instant, secondsBetween, tableSection } from './figures.ts';
import { layout, livePart, liveSwitch } from './layout.ts';
import { pausesNotice } from './pauses-section.ts';
import { troublesNotice } from './webhooks-page.ts';
import { historyTable, nameOf, throughputPlot, totalsOf, waitPlot } from './plots.ts';

export interface Overview {
  queue: QueueOverview;
  history: ThroughputHistory;
  troubles: WebhookTroubles;
}

/** The queue, the workers, and the history of the last hours. */
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

export function overviewFragment({ queue, history, troubles }: Overview): Html {
  return html`${pausesNotice(queue.pauses)} ${troublesNotice(troubles)} ${tiles({ queue, history })}
    ${historySection(history)}
    <div class="columns">${queueSection(queue)}${workersSection(queue)}</div>`;
}

function tiles({ queue: { groups, batches, workers, lostWorkers }, history }: Omit<Overview, 'troubles'>): Html {
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
    ${tile('Queued', html`<a id="tile-queued" href="/console/jobs?status=queued">${depthOf(depth)}</a>`, queuedNote(depth, oldest, batches))}
    ${tile('Running', html`<a id="tile-running" href="/console/jobs?status=processing">${count(busy)}</a>`, `of ${counted(slots, 'slot')}`)}
    ${tile('Workers', count(workers.length), lostWorkers > 0 ? `${count(lostWorkers)} lost today` : 'none lost today', workers.length === 0 ? 'bad' : '')}
    ${tile('Completed', count(completed), `in ${range}`)}
    ${tile('Failed', html`<a id="tile-failed" href="/console/jobs?status=failed">${count(failed)}</a>`, ended === 0 ? `in ${range}` : `${((failed / ended) * 100).toFixed(1)} % in ${range}`)}
    ${tile('Wait p95', latest ? duration(latest.waitP95 ?? 0) : '–', latest ? `p50 ${duration(latest.waitP50 ?? 0)}, latest` : `in ${range}`)}
  </dl>`;
}

/** What waits besides, and is late for nobody. */
function queuedNote(depth: number, oldest: number, { batches, items }: QueueOverview['batches']): Html | string {
  if (batches > 0)
    return html`besides <a id="tile-items" href="/console/batches?status=processing">${counted(items, 'item')}</a>`;
  return depth === 0 ? 'nothing waits' : `oldest ${duration(oldest)}`;
}

/** With a plus sign if there are more than were counted. */
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

function queueSection({ groups, scheduled, paused }: QueueOverview): Html {
  const rows = groups.map(
    ({ priority, tier, depth, oldestSeconds }) =>
      html`<tr>
        <th scope="row">${tier === '' ? 'unknown' : tier}</th>
        <td>${priority}</td>
        <td class="number">${depthOf(depth)}</td>
        <td class="number">${duration(oldestSeconds)}</td>
      </tr>`,
  );
  const later =
    scheduled > 0 &&
    html`<p class="hint">
      <a id="scheduled" href="/console/jobs?status=scheduled">${depthOf(scheduled)} scheduled</a>, for later
    </p>`;
  const waiting =
    paused > 0 &&
    html`<p class="hint">
      <a id="paused-jobs" href="/console/actions#paused">${depthOf(paused)} paused</a>, until it ends
    </p>`;
  const columns: Column[] = ['Tier', 'Priority', ['Depth', 'number'], ['Oldest', 'number']];
  return html`<div>${tableSection('Queue', columns, rows, 'Nothing waits.')} ${later} ${waiting}</div>`;
}

/** Seconds without a heartbeat after which a worker is shown as silent; after 10 s other workers take its jobs. */
const SILENT_SECONDS = 6;

function workersSection({ workers }: QueueOverview): Html {
  const rows = workers.map(
    ({ host, pid, slots, busy, silentSeconds, startedAt }) =>
      html`<tr>
        <th scope="row">${host}<span class="dim">:${pid}</span></th>
        <td class="slots">${meter(busy, slots)} <span class="number">${busy} / ${slots}</span></td>
        <td class="number">
          ${silentSeconds > SILENT_SECONDS ? html`<span class="warn">silent ${duration(silentSeconds)}</span>` : 'on time'}
        </td>
        <td class="number wide">${duration(secondsBetween(startedAt, new Date()))}</td>
      </tr>`,
  );
  return tableSection(
    'Workers',
    ['Worker', 'Slots', ['Heartbeat', 'number'], ['Up', 'number wide']],
    rows,
    html`No worker is running: nothing is rendered. Start one with <code>pdfprompt work</code>.`,
  );
}

/** A bar; the figures are next to it. */
function meter(busy: number, slots: number): Html {
  const width = Math.min(100, (busy / slots) * 100);
  return html`<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="meter-back" width="100" height="8" />
    <rect class="meter-full" width="${Math.round(width)}" height="8" />
  </svg>`;
}
