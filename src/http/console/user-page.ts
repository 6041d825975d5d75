import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { readUsage } from '../../accounts/usage.ts';
import { MOST_COUNTED, type UserOverview } from '../../accounts/user-overview.ts';
import type { User } from '../../accounts/users.ts';
import type { Tier } from '../../domain/tier.ts';
import { bytes, count, counted, fact, type Html, instantOf, roughly, tableHead, tableSection } from './figures.ts';
import { layout, type Message, messageLine } from './layout.ts';
import { eraseForm, limitsForm, tierForm } from './user-forms.ts';

export interface UserView {
  user: User;
  overview: UserOverview;
  /** undefined without a subscription */
  usage: Awaited<ReturnType<typeof readUsage>> | undefined;
  message?: Message | undefined;
}

/** One user: what they may use and have used, and what is theirs. */
export function userPage(session: ConsoleSession, { user, overview, usage, message }: UserView): Html {
  const { id, email, createdAt } = user;
  return layout({
    title: `User ${email}`,
    session,
    at: 'users',
    search: email,
    main: html`<div class="head">
        <h1>User <span class="id">${email}</span></h1>
      </div>
      ${messageLine(message)}
      <dl class="facts">
        ${fact('Tier', user.tier === null ? html`<span class="warn">none: their keys do not work</span>` : html`<a id="tier" href="/console/tiers/${user.tier}">${user.tier}</a>`)}
        ${fact('Id', html`<code>${id}</code>`)} ${fact('Since', instantOf(createdAt))}
        ${usage && fact('Charged today', `${counted(usage.today.pages, 'page')}, ${bytes(usage.today.bytes)}`)}
      </dl>
      ${limitsSection(user, overview, usage)}
      <div class="columns">${jobsSection(id, overview)}${belongingsSection(id, overview)}</div>
      ${usage && usageSection(usage)} ${session.may.administer && changes(user, overview)}`,
  });
}

const unlimited = (value: number | null) => (value === null ? 'no limit' : count(value));

/** What is in force, whether that is as the tier says, and what is used of it. */
function limitsSection({ limits: overrides }: User, { tier }: UserOverview, usage: UserView['usage']): Html {
  if (!tier) return html``;
  const used = (name: 'minute' | 'day') => {
    const each = usage?.allowances.find((allowance) => allowance.name === name);
    if (!each) return '–';
    return html`${count(each.used)}${each.used > 0 && html`, <span class="dim">reset in ${roughly(each.resetSeconds)}</span>`}`;
  };
  const row = (field: 'requestsPerMinute' | 'requestsPerDay' | 'priority', name: string, use: string | Html) => {
    const isOwn = overrides[field] !== undefined;
    const own = isOwn ? (overrides[field] ?? null) : tier[field];
    return html`<tr>
      <th scope="row">${name}</th>
      <td class="number">${field === 'priority' ? own : unlimited(own)}</td>
      <td class="number">${use}</td>
      <td>${isOwn ? html`their own; the tier’s is ${unlimited(tier[field])}` : 'as the tier says'}</td>
    </tr>`;
  };
  const columns = ['Limit', ['In force', 'number'], ['Used', 'number'], 'From'] as const;
  return html`<section aria-labelledby="limits">
    <h2 id="limits">Limits</h2>
    <table aria-labelledby="limits">
      ${tableHead(...columns.map((each) => (typeof each === 'string' ? each : ([each[0], each[1]] as [string, string]))))}
      <tbody>
        ${row('requestsPerMinute', 'Requests in 60 seconds', used('minute'))}
        ${row('requestsPerDay', 'Requests in a UTC day', used('day'))} ${row('priority', 'Priority', '–')}
        <tr>
          <th scope="row">Files are kept</th>
          <td class="number">${keptFor(tier, overrides.retention)}</td>
          <td class="number">–</td>
          <td>${retentionFrom(tier, overrides.retention)}</td>
        </tr>
      </tbody>
    </table>
  </section>`;
}

function keptFor(tier: Tier, own: number | null | undefined): string {
  const seconds = own === undefined ? tier.retention : own;
  return seconds === null || seconds === undefined ? 'PDF_RETENTION' : roughly(seconds);
}

function retentionFrom({ retention }: Tier, own: number | null | undefined): string {
  if (own !== undefined) return 'their own';
  return retention === null || retention === undefined ? 'as the setting says' : 'as the tier says';
}

/** With a plus sign if there may be more. */
const countedUp = (value: number) => `${count(value)}${value >= MOST_COUNTED ? '+' : ''}`;

function jobsSection(id: string, { jobs }: UserOverview): Html {
  const rows = jobs.map(
    ({ status, today, week }) =>
      html`<tr>
        <th scope="row"><a id="jobs-${status}" href="/console/jobs?user=${id}&status=${status}">${status}</a></th>
        <td class="number">${countedUp(today)}</td>
        <td class="number">${countedUp(week)}</td>
      </tr>`,
  );
  return tableSection('Jobs', ['Accepted', ['Today (UTC)', 'number'], ['In 7 days', 'number']], rows, '');
}

const PLACES = {
  keys: ['Keys that are valid', '/console/keys'],
  batches: ['Batches', '/console/batches'],
  schedules: ['Schedules', '/console/schedules'],
  webhooks: ['Webhooks', '/console/webhooks'],
  templates: ['Templates', '/console/templates'],
  sessions: ['Sessions in a browser', '/console/sessions'],
} as const;

function belongingsSection(id: string, { belongings }: UserOverview): Html {
  const rows = Object.entries(PLACES).map(
    ([name, [text, path]]) =>
      html`<tr>
        <th scope="row"><a id="their-${name}" href="${path}?user=${id}">${text}</a></th>
        <td class="number">${countedUp(belongings[name as keyof typeof PLACES])}</td>
      </tr>`,
  );
  return tableSection('Theirs', ['What', ['How many', 'number']], rows, '');
}

function usageSection({ history }: NonNullable<UserView['usage']>): Html {
  const rows = history.map(
    ({ day, completed, pages, bytes: size }) =>
      html`<tr>
        <th scope="row">${day}</th>
        <td class="number">${count(completed)}</td>
        <td class="number">${count(pages)}</td>
        <td class="number">${bytes(size)}</td>
      </tr>`,
  );
  const columns: [string, string][] = [
    ['Completed', 'number'],
    ['Pages', 'number'],
    ['Bytes', 'number'],
  ];
  return tableSection('Charged', ['UTC day', ...columns], rows, 'Nothing in the last 7 days.');
}

function changes(user: User, overview: UserOverview): Html {
  return html`<section aria-labelledby="change">
    <h2 id="change">Change</h2>
    ${tierForm(user, overview)} ${limitsForm(user, overview)} ${eraseForm(user)}
  </section>`;
}
