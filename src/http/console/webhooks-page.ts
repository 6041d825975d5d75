import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { User } from '../../accounts/users.ts';
import type { ListedWebhook, WebhookTroubles } from '../../deliveries/search-webhooks.ts';
import { MOST_COUNTED, MOST_TROUBLES } from '../../deliveries/search-webhooks.ts';
import { count, type Html, instant, pill, roughly, secondsBetween, tableHead } from './figures.ts';
import { layout, livePart, liveSwitch } from './layout.ts';

/** The filter of the list, as the query string has it. */
export interface WebhooksQuery {
  /** all: those without trouble too */
  show?: 'all' | undefined;
  /** id: all of theirs */
  user?: string | undefined;
  cursor?: string | undefined;
}

export interface FoundWebhooks {
  webhooks: ListedWebhook[];
  next: string | null;
}

/** Endpoints of all users, or of one, and how they are. */
export function webhooksPage(
  session: ConsoleSession,
  { query, user, found }: { query: WebhooksQuery; user: User | undefined; found: FoundWebhooks },
): Html {
  const list = webhooksFragment(found, query);
  const choice = (show: WebhooksQuery['show'], text: string) =>
    html`<li>
      <a href="${pathOf('/console/webhooks', { show })}" ${show === query.show && html` aria-current="true"`}
        >${text}</a
      >
    </li>`;
  const choices = html`<nav aria-label="Filter by trouble">
    <ul class="choices">
      ${choice(undefined, 'in trouble')}${choice('all', 'all')}
    </ul>
  </nav>`;
  return layout({
    title: user ? `Webhooks of ${user.email}` : 'Webhooks',
    session,
    at: 'webhooks',
    search: user?.email ?? '',
    main: html`<div class="head">
        <h1>Webhooks</h1>
        ${query.cursor === undefined && liveSwitch()}
      </div>
      ${
        user
          ? html`<p class="of">
              Of <b>${user.email}</b>, user <code>${user.id}</code>.
              <a href="/console/jobs?user=${user.id}">Their jobs</a>,
              <a href="/console/webhooks">everybody’s webhooks</a>
            </p>`
          : choices
      }
      ${query.cursor === undefined ? livePart(pathOf('/console/fragments/webhooks', query), list) : list}`,
  });
}

export function webhooksFragment({ webhooks, next }: FoundWebhooks, query: WebhooksQuery): Html {
  const isEverything = query.show === 'all' || query.user !== undefined;
  if (webhooks.length === 0)
    return html`<p class="empty">${isEverything ? 'There are none.' : 'All webhooks are well, or there are none.'}</p>`;
  return html`<table class="webhooks" aria-label="Webhooks">
      ${tableHead('Webhook', 'State', ['User', 'medium'], ['Last success', 'medium'], ['Waiting', 'number'], ['Failed', 'number'])}
      <tbody>
        ${webhooks.map(row)}
      </tbody>
    </table>
    ${next !== null && html`<p class="pages"><a id="older" rel="next" href="${pathOf('/console/webhooks', { ...query, cursor: next })}">Older webhooks</a></p>`}`;
}

function row(webhook: ListedWebhook): Html {
  const { id, url, email, userId, deliveredAt } = webhook;
  const now = new Date();
  return html`<tr>
    <th scope="row"><a class="url" id="webhook-${id}" href="/console/webhooks/${id}">${url}</a></th>
    <td>${statePill(webhook)}${since(webhook, now)}</td>
    <td class="user medium" title="${email}">
      <a id="user-${id}" href="/console/webhooks?user=${userId}">${email}</a>
    </td>
    <td class="medium">${deliveredAt ? instant(deliveredAt, now) : 'never'}</td>
    <td class="number">${openCount(webhook, 'pending')}</td>
    <td class="number">${openCount(webhook, 'failed')}</td>
  </tr>`;
}

/** With a plus sign if there may be more. */
export const openCount = (webhook: ListedWebhook, which: 'pending' | 'failed') =>
  `${count(webhook[which])}${webhook[which] >= MOST_COUNTED ? '+' : ''}`;

/** On, failing, off because its owner wants it so, or switched off. */
export function statePill({ offReason, failingSince }: ListedWebhook): Html {
  if (offReason === 'asked') return pill('off');
  if (offReason !== null) return pill('switched off', 'failed');
  return failingSince === null ? pill('on') : pill('failing');
}

function since({ offSince, failingSince }: ListedWebhook, now: Date): Html {
  const at = offSince ?? failingSince;
  return html`${at && html`<span class="code">for ${roughly(secondsBetween(at, now))}</span>`}`;
}

/** Of the overview: what an operator should look at. */
export function troublesNotice({ failing, switchedOff }: WebhookTroubles): Html {
  const webhooks = (number: number) =>
    html`<b>${count(number)}${number >= MOST_TROUBLES ? '+' : ''}</b> ${number === 1 ? 'webhook' : 'webhooks'}`;
  const parts = [
    ...(failing > 0 ? [html`${webhooks(failing)} had no success for an hour or more`] : []),
    ...(switchedOff > 0
      ? [html`${webhooks(switchedOff)} ${switchedOff === 1 ? 'was' : 'were'} switched off this week`]
      : []),
  ];
  if (parts.length === 0) return html``;
  return html`<p class="message message-refused" id="troubles">
    ${parts.map((part, index) => html`${index > 0 && '; '}${part}`)}.
    <a id="troubles-link" href="/console/webhooks">Which ones</a>
  </p>`;
}

/** The path with the parameters that are set. */
function pathOf(path: string, query: WebhooksQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][]).toString()}`;
}
