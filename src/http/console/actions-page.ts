import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { BulkAction } from '../../bulk/bulk-actions.ts';
import { BULK_RESULTS, type BulkActionName, type BulkResult } from '../../domain/bulk-action.ts';
import type { Pause } from '../../jobs/pauses.ts';
import { count, counted, type Html, instant, pill, tableHead } from './figures.ts';
import { layout, livePart, liveSwitch, type Message, messageLine } from './layout.ts';
import { pausesSection } from './pauses-section.ts';

interface ActionsView {
  pauses: readonly Pause[];
  tiers: readonly string[];
  actions: readonly BulkAction[];
  next: string | null;
  message?: Message | undefined;
}

/** What is done to many jobs at once, and what is paused. */
export function actionsPage(session: ConsoleSession, view: ActionsView): Html {
  const { pauses, tiers, actions, next, message } = view;
  const rows = actions.map(
    (action) =>
      html`<tr>
        <th scope="row">
          <a id="action-${action.id}" href="/console/actions/${action.id}">${TITLES[action.action]}</a>
        </th>
        <td class="value">${filterText(action.filter)}</td>
        <td>${statePill(action)}</td>
        <td class="number">${progressText(action)}</td>
        <td class="wide">${instant(new Date(action.createdAt))}</td>
      </tr>`,
  );
  const table = html`<table aria-labelledby="actions">
    ${tableHead('What', 'Which jobs', 'State', ['Jobs', 'number'], ['Begun', 'wide'])}
    <tbody>
      ${rows}
    </tbody>
  </table>`;
  return layout({
    title: 'Actions',
    session,
    at: 'actions',
    main: html`<div class="head"><h1>Actions</h1></div>
      ${messageLine(message)}
      <section aria-labelledby="actions">
        <h2 id="actions">On many jobs</h2>
        <p class="hint">
          Filter the <a href="/console/jobs">list of jobs</a>, and cancel, retry or send again all that it shows.
        </p>
        ${rows.length > 0 ? table : html`<p class="empty">There were none in the last 30 days.</p>`}
        ${next !== null && html`<p class="pages"><a id="older" rel="next" href="/console/actions?cursor=${next}">Older actions</a></p>`}
      </section>
      ${pausesSection(session, pauses, tiers)}`,
  });
}

interface NewActionView {
  action: BulkActionName;
  /** flat text fields */
  fields: Record<string, string>;
  counted: { jobs: number; users: number; isMore: boolean };
}

/** Says how many jobs it would come to, before anything is done. */
export function newActionPage(session: ConsoleSession, { action, fields, counted: found }: NewActionView): Html {
  const { jobs, users, isMore } = found;
  const hidden = Object.entries({ action, ...fields }).map(
    ([field, value]) => html`<input type="hidden" name="${field}" value="${value}" />`,
  );
  const form = html`<form class="actions" action="/console/actions" method="post">
    ${hidden}<button class="${action === 'cancel' && 'danger'}" type="submit">${BUTTONS[action]}</button>
    <a href="${jobsPath(fields)}">No, show them</a>
    <span class="hint">${HINTS[action]}</span>
  </form>`;
  return layout({
    title: TITLES[action],
    session,
    at: 'actions',
    main: html`<div class="head"><h1>${TITLES[action]}</h1></div>
      <p class="of">Jobs with ${filterText(fields)}.</p>
      <p id="counted">
        <b>${isMore ? 'More than ' : ''}${counted(jobs, 'job')}</b> of
        ${isMore ? 'at least ' : ''}${counted(users, 'user')}.
      </p>
      ${jobs > 0 || isMore ? form : html`<p class="empty">There is nothing to do. <a href="${jobsPath(fields)}">The list</a></p>`}`,
  });
}

/** One action: how far it is, and what became of the jobs. */
export function actionPage(session: ConsoleSession, action: BulkAction): Html {
  const { id, status, action: what, createdAt, endedAt } = action;
  const stop =
    session.may.operate &&
    status === 'running' &&
    html`<form class="actions" action="/console/actions/${id}/stop" method="post">
      <button class="danger" type="submit">Stop</button><span class="hint">What is done stays as it is.</span>
    </form>`;
  return layout({
    title: TITLES[what],
    session,
    at: 'actions',
    main: html`<div class="head">
        <h1>${TITLES[what]}</h1>
        ${status === 'running' && liveSwitch()}
      </div>
      <p class="of">
        Jobs with ${filterText(action.filter)}. Begun
        ${instant(new Date(createdAt))}${endedAt !== null && html`, ended ${instant(new Date(endedAt))}`}.
      </p>
      ${status === 'running' ? livePart(`/console/fragments/actions/${id}`, actionFragment(action), { state: status }) : actionFragment(action)}
      ${stop}`,
  });
}

export function actionFragment(action: BulkAction): Html {
  const { lookedAt, expected, isMore, results } = action;
  const share = action.endedAt !== null ? 100 : Math.min(100, (lookedAt / Math.max(1, expected)) * 100);
  const rows = Object.entries(results).map(
    ([name, jobs]) =>
      html`<tr>
        <th scope="row">${BULK_RESULTS[name as BulkResult] ?? name}</th>
        <td class="number">${count(jobs)}</td>
      </tr>`,
  );
  return html`<p id="progress">
      ${statePill(action)} ${count(lookedAt)} of ${isMore ? 'more than ' : ''}${counted(expected, 'job')}
    </p>
    <svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="meter-back" width="100" height="8" />
      <rect class="meter-full" width="${Math.round(share)}" height="8" />
    </svg>
    ${
      rows.length > 0 &&
      html`<table class="pairs" aria-label="What became of the jobs">
        ${tableHead('What became of them', ['Jobs', 'number'])}
        <tbody>
          ${rows}
        </tbody>
      </table>`
    }`;
}

const TITLES: Record<BulkActionName, string> = {
  cancel: 'Cancel jobs',
  retry: 'Retry jobs',
  replay: 'Send deliveries again',
};
const BUTTONS: Record<BulkActionName, string> = {
  cancel: 'Cancel them',
  retry: 'Retry them',
  replay: 'Send them again',
};

const HINTS: Record<BulkActionName, string> = {
  cancel: 'Those that wait never start, and those that run are stopped. What has ended stays.',
  retry: 'New jobs for the same users, within their limits. What was retried before is left out.',
  replay: 'Webhooks, uploads and reports of these jobs that failed are sent once more.',
};

const statePill = ({ status }: BulkAction) => pill(status, STATE_MARKS[status]);
const STATE_MARKS = { running: 'processing', completed: 'completed', stopped: 'cancelled' } as const;

const progressText = ({ lookedAt, expected, isMore }: BulkAction) =>
  `${count(lookedAt)} of ${count(expected)}${isMore ? '+' : ''}`;

function filterText(fields: Record<string, string>): Html {
  const parts = Object.entries(fields).map(([name, value], index) => html`${index > 0 && ', '}${name} <b>${value}</b>`);
  return html`${parts}`;
}

const jobsPath = (fields: Record<string, string>) => `/console/jobs?${new URLSearchParams(fields).toString()}`;
