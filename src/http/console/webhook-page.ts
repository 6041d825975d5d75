import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Delivery } from '../../deliveries/read-deliveries.ts';
import type { ListedWebhook } from '../../deliveries/search-webhooks.ts';
import type { Permissions } from '../../domain/scope.ts';
import { SHOWN_STATUSES, type ShownStatus } from '../../domain/delivery-status.ts';
import { deliveryList } from './delivery-list.ts';
import { type Html, instant, roughly, secondsBetween } from './figures.ts';
import { layout, livePart, liveSwitch, type Message, messageLine } from './layout.ts';
import { openCount, statePill } from './webhooks-page.ts';

/** Of what was sent to it. */
export interface WebhookQuery {
  status?: ShownStatus | undefined;
  cursor?: string | undefined;
}

export interface WebhookView {
  webhook: ListedWebhook;
  query: WebhookQuery;
  sent: { data: Delivery[]; nextCursor: string | null };
}

/** Milliseconds: what failed in this time is proposed to be sent again; for as long an endpoint may fail. */
const PROPOSED_MS = 3 * 86_400_000;

/** One endpoint: how it is, and what was sent to it. */
export function webhookPage(session: ConsoleSession, view: WebhookView & { message?: Message | undefined }): Html {
  const { webhook, query, message } = view;
  const path = `/console/webhooks/${webhook.id}`;
  const fragment = `/console/fragments/webhooks/${webhook.id}`;
  const isNewest = query.cursor === undefined;
  const choice = (status: ShownStatus | undefined) =>
    html`<li>
      <a href="${path}${status ? `?status=${status}` : ''}" ${status === query.status && html` aria-current="true"`}
        >${status ?? 'all'}</a
      >
    </li>`;
  const sent = sentFragment(view, session.may);
  return layout({
    title: `Webhook ${webhook.url}`,
    session,
    at: 'webhooks',
    search: webhook.email,
    main: html`<div class="head">
        <h1>Webhook <span class="id">${webhook.url}</span></h1>
        ${isNewest && liveSwitch()}
      </div>
      ${messageLine(message)} ${isNewest ? livePart(fragment, healthFragment(webhook)) : healthFragment(webhook)}
      ${session.may.operate && replayForm(webhook, path)}
      <section aria-labelledby="deliveries">
        <div class="head">
          <h2 id="deliveries">Deliveries</h2>
          <nav aria-label="Filter by status">
            <ul class="choices">
              ${[undefined, ...SHOWN_STATUSES].map(choice)}
            </ul>
          </nav>
        </div>
        ${isNewest ? livePart(`${fragment}/deliveries${query.status ? `?status=${query.status}` : ''}`, sent) : sent}
      </section>`,
  });
}

export function healthFragment(webhook: ListedWebhook): Html {
  const { userId, email, description, events, createdAt, deliveredAt, failingSince, offSince } = webhook;
  const now = new Date();
  const fact = (name: string, value: string | number | Html) =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  const ago = (at: Date) => html`${instant(at, now)}, ${roughly(secondsBetween(at, now))} ago`;
  return html`<dl class="facts">
      ${fact('State', statePill(webhook))}
      ${fact('User', html`<a id="user" href="/console/webhooks?user=${userId}">${email}</a>`)}
      ${fact('Last success', deliveredAt ? ago(deliveredAt) : 'never')}
      ${fact('Failing since', failingSince ? ago(failingSince) : '–')} ${offSince && fact('Off since', ago(offSince))}
      ${fact('Waiting', openCount(webhook, 'pending'))} ${fact('Failed', openCount(webhook, 'failed'))}
      ${fact('Receives', events.length === 0 ? 'only of jobs that name it' : events.join(', '))}
      ${fact('Added', instant(createdAt, now))} ${description !== null && fact('Description', description)}
    </dl>
    ${whyOff(webhook)}`;
}

const WHY_OFF = {
  gone: 'It answered 410, gone: the receiver wants nothing more',
  failing: 'It has failed for three days',
  asked: 'Its owner turned it off',
} as const;

function whyOff({ offReason }: ListedWebhook): Html {
  if (offReason === null) return html``;
  return html`<p class="message message-refused">
    ${WHY_OFF[offReason]}. Nothing is sent to it. Its owner turns it on with <code>PUT /v1/webhooks/{id}</code>; then
    what has failed can be sent again here.
  </p>`;
}

/** Without scripts too: the field has a time in UTC, like all times here. */
function replayForm({ failed, offSince, failingSince }: ListedWebhook, path: string): Html {
  if (failed === 0 || offSince !== null) return html``;
  const since = failingSince ?? new Date(Date.now() - PROPOSED_MS);
  return html`<form class="actions" action="${path}/replay" method="post">
    <label for="since">Failed since, in UTC</label>
    <input id="since" name="since" type="datetime-local" value="${since.toISOString().slice(0, 16)}" required />
    <button type="submit">Send all again</button>
    <span class="hint">With the same ids, the oldest first, at most 5,000 at a time.</span>
  </form>`;
}

export function sentFragment(
  { webhook: { id, offSince }, query: { status }, sent }: WebhookView,
  { operate }: Permissions,
): Html {
  const path = `/console/webhooks/${id}`;
  if (sent.data.length === 0) return html`<p class="empty">There are no such deliveries.</p>`;
  const older = new URLSearchParams({ ...(status && { status }), cursor: sent.nextCursor ?? '' }).toString();
  return html`${deliveryList({ deliveries: sent.data, path, now: new Date(), hasJobs: true, canReplay: operate && offSince === null })}
  ${sent.nextCursor !== null && html`<p class="pages"><a id="older" rel="next" href="${path}?${older}">Older deliveries</a></p>`}`;
}
