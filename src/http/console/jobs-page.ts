import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { User } from '../../accounts/users.ts';
import type { JobFilter } from '../../domain/job-filter.ts';
import type { FoundJobs, ListedJob } from '../../jobs/search-jobs.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import { bulkLinks } from './bulk-links.ts';
import { counted, duration, type Html, instant, pill, secondsBetween, tableHead } from './figures.ts';
import { jobFilterChips, jobFilterForm, jobFilterLinks } from './job-filter-form.ts';
import { jobsPath } from './jobs-path.ts';
import { layout, livePart, liveSwitch } from './layout.ts';

/** What the list is asked for. */
export interface JobsQuery {
  filter: JobFilter;
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
  const { filter } = query;
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
      ${
        user &&
        html`<p class="of">
          Of <a id="whose" href="/console/users/${user.id}"><b>${user.email}</b></a
          >, ${user.tier ?? 'without a subscription'}, user <code>${user.id}</code>.
          <a href="/console/batches?user=${user.id}">Their batches</a>,
          <a href="/console/webhooks?user=${user.id}">their webhooks</a>,
          <a href="${jobsPath({ filter: { ...filter, user: undefined } })}">everybody’s jobs</a>
        </p>`
      }
      ${jobFilterLinks(filter)} ${jobFilterChips(filter)} ${jobFilterForm(filter)} ${bulkLinks(session, filter)}
      ${query.cursor === undefined ? livePart(jobsPath(query, '/console/fragments/jobs'), list) : list}`,
  });
}

export function jobsFragment({ jobs, next, order, searched }: FoundJobs, { filter }: JobsQuery): Html {
  const older =
    next !== null &&
    html`<p class="pages">
      <a id="older" rel="next" href="${jobsPath({ filter, cursor: next })}">${NEXT[order]}</a>
    </p>`;
  if (jobs.length === 0)
    return html`<p class="empty">
        ${next === null ? 'There are no such jobs.' : `None among the ${counted(searched, 'job')} that were looked at. Go on to look at more.`}
      </p>
      ${filter.filename !== undefined && next === null && html`<p class="hint">Is ${filter.filename} in the metadata? Search for it with its name, such as <code>order:${filter.filename}</code>.</p>`}
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

/** What the link to the next page says. */
const NEXT = { id: 'Older jobs', created: 'Older jobs', run: 'Later jobs', value: 'More jobs', row: 'More jobs' };

function jobRow({
  id,
  status,
  paused,
  priority,
  tier,
  userId,
  email,
  filename,
  errorCode,
  pages,
  ...times
}: ListedJob): Html {
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
      ${paused ? pill('paused', 'cancelled') : pill(status)}${status === 'scheduled' && runAt && html`<span class="due">${instant(runAt, now)}</span>`}${errorCode !== null && html`<a class="code" href="${jobsPath({ filter: { error: errorCode as ErrorCode } })}">${errorCode}</a>`}
    </td>
    <td class="user" title="${email}"><a href="${jobsPath({ filter: { user: userId } })}">${email}</a></td>
    <td class="wide">${tier === '' ? '–' : tier}</td>
    <td class="wide">${priority}</td>
    <td>${instant(createdAt, now)}</td>
    <td class="number medium">${wait}</td>
    <td class="number medium">${took}</td>
    <td class="number wide">${pages ?? '–'}</td>
  </tr>`;
}
