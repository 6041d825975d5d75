import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { ScheduleRun } from '../../schedules/schedule.ts';
import type { ListedSchedule } from '../../schedules/search-schedules.ts';
import { type Html, instant, tableHead } from './figures.ts';
import { layout } from './layout.ts';
import { nextRun, runPill } from './schedules-page.ts';

export interface ScheduleView {
  schedule: ListedSchedule;
  /** ISO 8601 */
  nextTimes: readonly string[];
  /** newest first */
  runs: { data: ScheduleRun[]; nextCursor: string | null };
}

/** One schedule: when it runs, and what became of its runs. */
export function schedulePage(session: ConsoleSession, { schedule, nextTimes, runs }: ScheduleView): Html {
  const { id, name, userId, email, cron, timezone, missed, createdAt, updatedAt } = schedule;
  const now = new Date();
  const fact = (what: string, value: string | Html) =>
    html`<div>
      <dt>${what}</dt>
      <dd>${value}</dd>
    </div>`;
  const older = new URLSearchParams({ cursor: runs.nextCursor ?? '' }).toString();
  return layout({
    title: `Schedule ${name}`,
    session,
    at: 'schedules',
    search: email,
    main: html`<div class="head">
        <h1>Schedule <span class="id">${name}</span></h1>
      </div>
      <dl class="facts">
        ${fact('User', html`<a id="user" href="/console/schedules?user=${userId}">${email}</a>`)}
        ${fact('Times', html`<code>${cron}</code>`)} ${fact('Time zone', timezone)}
        ${fact('Next run', nextRun(schedule, now))}
        ${fact('Missed times', missed === 'run' ? 'the newest is run late' : 'are skipped')}
        ${fact('Made', instant(new Date(createdAt), now))} ${fact('Changed', instant(new Date(updatedAt), now))}
      </dl>
      ${nextTimes.length > 1 && html`<p class="hint">Then at ${nextTimes.slice(1).map((time, index) => html`${index > 0 && ', '}${instant(new Date(time), now)}`)}.</p>`}
      <section aria-labelledby="runs">
        <h2 id="runs">Runs</h2>
        ${runs.data.length === 0 ? html`<p class="empty">There are none.</p>` : runTable(runs.data, now)}
        ${runs.nextCursor !== null && html`<p class="pages"><a id="older" rel="next" href="/console/schedules/${id}?${older}">Older runs</a></p>`}
      </section>`,
  });
}

function runTable(runs: readonly ScheduleRun[], now: Date): Html {
  const row = (run: ScheduleRun) => {
    const { plannedAt, asked, job, error } = run;
    return html`<tr>
      <th scope="row">${instant(new Date(plannedAt), now)}${asked && html`<span class="code">as asked</span>`}</th>
      <td>${runPill(run)}</td>
      <td class="reason">
        ${job && html`<a id="job-${job.id}" class="id" href="/console/jobs/${job.id}">${job.id}</a>`}
        ${error && html`<span class="what"><b>${error.code}</b> ${error.message}</span>`}
      </td>
    </tr>`;
  };
  return html`<table class="runs" aria-labelledby="runs">
    ${tableHead('Planned at', 'Result', 'Job, or why there is none')}
    <tbody>
      ${runs.map(row)}
    </tbody>
  </table>`;
}
