import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { User } from '../../accounts/users.ts';
import type { ScheduleRun } from '../../schedules/schedule.ts';
import type { ListedSchedule } from '../../schedules/search-schedules.ts';
import { count, type Html, instant, pill, roughly, secondsBetween, tableHead } from './figures.ts';
import { layout, livePart, liveSwitch } from './layout.ts';

/** The filter of the list, as the query string has it. */
export interface SchedulesQuery {
  /** id */
  user?: string | undefined;
  cursor?: string | undefined;
}

export interface FoundSchedules {
  schedules: ListedSchedule[];
  next: string | null;
}

/** Schedules of all users, or of one, newest first. */
export function schedulesPage(
  session: ConsoleSession,
  { query, user, found }: { query: SchedulesQuery; user: User | undefined; found: FoundSchedules },
): Html {
  const list = schedulesFragment(found, query);
  return layout({
    title: user ? `Schedules of ${user.email}` : 'Schedules',
    session,
    at: 'schedules',
    search: user?.email ?? '',
    main: html`<div class="head">
        <h1>Schedules</h1>
        ${query.cursor === undefined && liveSwitch()}
      </div>
      ${
        user &&
        html`<p class="of">
          Of <b>${user.email}</b>, user <code>${user.id}</code>. <a href="/console/jobs?user=${user.id}">Their jobs</a>,
          <a href="/console/schedules">everybody’s schedules</a>
        </p>`
      }
      ${query.cursor === undefined ? livePart(pathOf('/console/fragments/schedules', query), list) : list}`,
  });
}

export function schedulesFragment({ schedules, next }: FoundSchedules, query: SchedulesQuery): Html {
  if (schedules.length === 0) return html`<p class="empty">There are none.</p>`;
  return html`<table class="schedules" aria-label="Schedules">
      ${tableHead('Schedule', ['User', 'medium'], ['Times', 'medium'], 'Next run', 'Last run')}
      <tbody>
        ${schedules.map(row)}
      </tbody>
    </table>
    ${next !== null && html`<p class="pages"><a id="older" rel="next" href="${pathOf('/console/schedules', { ...query, cursor: next })}">Older schedules</a></p>`}`;
}

function row(schedule: ListedSchedule): Html {
  const { id, name, userId, email, cron, timezone, lastRun } = schedule;
  const now = new Date();
  return html`<tr>
    <th scope="row"><a class="url" id="schedule-${id}" href="/console/schedules/${id}">${name}</a></th>
    <td class="user medium" title="${email}">
      <a id="user-${id}" href="/console/schedules?user=${userId}">${email}</a>
    </td>
    <td class="medium"><code>${cron}</code><span class="code">${timezone}</span></td>
    <td>${nextRun(schedule, now)}</td>
    <td>
      ${lastRun ? html`${runPill(lastRun)}<span class="code">${instant(new Date(lastRun.plannedAt), now)}</span>` : '–'}
    </td>
  </tr>`;
}

/** When it runs next, if it does. */
export function nextRun({ paused, nextAt }: Pick<ListedSchedule, 'paused' | 'nextAt'>, now: Date): Html {
  if (paused) return pill('paused');
  if (nextAt === null) return html`never`;
  const at = new Date(nextAt);
  const seconds = secondsBetween(now, at);
  return html`${instant(at, now)}<span class="code">${seconds < 1 ? 'now' : `in ${roughly(seconds)}`}</span>`;
}

/** What became of a run: of its job, if there is one. */
export function runPill({ status, skipped, job }: ScheduleRun): Html {
  switch (status) {
    case 'submitted':
      return job === null ? pill('submitted') : pill(job.status);
    case 'refused':
      return pill('refused', 'failed');
    case 'waiting':
      return pill('tried again', 'processing');
    case 'skipped':
      return pill(skipped > 1 ? `skipped ${count(skipped)} times` : 'skipped');
  }
}

/** The path with the parameters that are set. */
function pathOf(path: string, query: SchedulesQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][]).toString()}`;
}
