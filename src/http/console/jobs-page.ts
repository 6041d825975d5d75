import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { User } from '../../accounts/users.ts';
import { JOB_STATUSES, type JobStatus } from '../../domain/job.ts';
import type { FoundJobs, ListedJob } from '../../jobs/search-jobs.ts';
import { duration, type Html, instant, pill, secondsBetween, tableHead } from './figures.ts';
import { layout, livePart, liveSwitch } from './layout.ts';

/** The filter of the list, as the query string has it. */
export interface JobsQuery {
  status?: JobStatus | undefined;
  /** id */
  user?: string | undefined;
  cursor?: string | undefined;
}

export interface JobsView {
  query: JobsQuery;
  /** set if only the jobs of this user are listed */
  user: User | undefined;
  found: FoundJobs;
}

/** A list of jobs, newest first; of scheduled ones the next first. */
export function jobsPage(session: ConsoleSession, { query, user, found }: JobsView): Html {
  const filter = (status: JobStatus | undefined) =>
    html`<li>
      <a
        href="${pathOf('/console/jobs', { status, user: query.user })}"
        ${status === query.status && html` aria-current="true"`}
        >${status ?? 'all'}</a
      >
    </li>`;
  const list = jobsFragment(found, query);
  return layout({
    title: user ? `Jobs of ${user.email}` : 'Jobs',
    session,
    at: 'jobs',
    search: user?.email ?? '',
    main: html`<div class="head">
        <h1>Jobs</h1>
        ${query.cursor === undefined && liveSwitch()}
      </div>
      ${user && html`<p class="of">Of <b>${user.email}</b>, ${user.tier ?? 'without a subscription'}, user <code>${user.id}</code>. <a href="/console/batches?user=${user.id}">Their batches</a>, <a href="/console/webhooks?user=${user.id}">their webhooks</a>, <a href="${pathOf('/console/jobs', { status: query.status })}">everybody’s jobs</a></p>`}
      <nav aria-label="Filter by status">
        <ul class="choices">
          ${[undefined, ...JOB_STATUSES].map(filter)}
        </ul>
      </nav>
      ${query.cursor === undefined ? livePart(pathOf('/console/fragments/jobs', query), list) : list}`,
  });
}

export function jobsFragment({ jobs, next }: FoundJobs, query: JobsQuery): Html {
  const older =
    next !== null &&
    html`<p class="pages">
      <a id="older" rel="next" href="${pathOf('/console/jobs', { ...query, cursor: next })}"
        >${query.status === 'scheduled' && query.user === undefined ? 'Later' : 'Older'} jobs</a
      >
    </p>`;
  if (jobs.length === 0)
    return html`<p class="empty">${next === null ? 'There are no such jobs.' : 'None among the newest.'}</p>
      ${older}`;
  return html`<table class="jobs" aria-label="Jobs">
      ${tableHead(
        'Job',
        'Status',
        'User',
        ['Tier', 'wide'],
        ['Priority', 'wide'],
        'Accepted',
        ['Wait', 'number medium'],
        ['Took', 'number medium'],
        ['Pages', 'number wide'],
      )}
      <tbody>
        ${jobs.map(jobRow)}
      </tbody>
    </table>
    ${older}`;
}

function jobRow({ id, status, priority, tier, email, filename, errorCode, pages, ...times }: ListedJob): Html {
  const { createdAt, runAt, queuedAt, startedAt, completedAt } = times;
  const now = new Date();
  const wait = status === 'queued' || startedAt ? duration(secondsBetween(queuedAt, startedAt ?? now)) : '–';
  const took = startedAt ? duration(secondsBetween(startedAt, completedAt ?? now)) : '–';
  return html`<tr>
    <th scope="row">
      <a class="id" id="job-${id}" href="/console/jobs/${id}"
        ><span class="dim">${id.slice(0, 24)}</span>${id.slice(24)}</a
      >${filename !== null && html`<span class="filename">${filename}</span>`}
    </th>
    <td>
      ${pill(status)}${status === 'scheduled' && runAt && html`<span class="due">${instant(runAt, now)}</span>`}${errorCode !== null && html`<span class="code">${errorCode}</span>`}
    </td>
    <td class="user" title="${email}">${email}</td>
    <td class="wide">${tier === '' ? '–' : tier}</td>
    <td class="wide">${priority}</td>
    <td>${instant(createdAt, now)}</td>
    <td class="number medium">${wait}</td>
    <td class="number medium">${took}</td>
    <td class="number wide">${pages ?? '–'}</td>
  </tr>`;
}

/** The path with the parameters that are set. */
function pathOf(path: string, query: JobsQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][]).toString()}`;
}
