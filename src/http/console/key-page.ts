import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { FoundKey } from '../../accounts/search-keys.ts';
import { fact, type Html, instantOf } from './figures.ts';
import { statePill } from './keys-page.ts';
import { layout, type Message, messageLine } from './layout.ts';

/** One key, never in full: whose it is, what it may do, and what became of it. */
export function keyPage(session: ConsoleSession, key: FoundKey, message: Message | undefined): Html {
  const { prefix, state, user, userId, tier, scopes, replaces, replacedBy } = key;
  const other = (id: string | null) => (id === null ? '–' : html`<a class="id" href="/console/keys/${id}">${id}</a>`);
  return layout({
    title: `Key ${prefix}…`,
    session,
    at: 'keys',
    search: user,
    main: html`<div class="head">
        <h1>Key <span class="id">${prefix}…</span></h1>
      </div>
      ${messageLine(message)}
      <dl class="facts">
        ${fact('State', statePill(state))}
        ${fact('User', html`<a id="user" href="/console/users/${userId}">${user}</a>`)} ${fact('Tier', tier ?? 'none')}
        ${fact('Scopes', scopes.join(', '))} ${fact('Last used', instantOf(key.lastUsedAt, 'never'))}
        ${fact('Created', instantOf(key.createdAt))} ${fact('Valid until', instantOf(key.expiresAt, 'for ever'))}
        ${key.revokedAt !== null && fact('Revoked', instantOf(key.revokedAt))} ${fact('Replaces', other(replaces))}
        ${fact('Replaced by', other(replacedBy))} ${fact('Id', html`<code>${key.id}</code>`)}
      </dl>
      ${session.may.administer && state === 'valid' && forms(key)}`,
  });
}

const GRACES = [
  [0, 'at once'],
  [3_600, 'in an hour'],
  [86_400, 'in a day'],
  [604_800, 'in 7 days'],
] as const;

function forms({ id, replacedBy }: FoundKey): Html {
  const rotation = html`<form class="fields" action="/console/keys/${id}/rotate" method="post">
    <p>
      <label for="grace">The old key ends</label>
      <select id="grace" name="graceSeconds">
        ${GRACES.map(([seconds, text]) => html`<option value="${seconds}" ${seconds === 86_400 && html` selected`}>${text}</option>`)}
      </select>
    </p>
    <button type="submit">Rotate</button>
    <p class="hint">A new key of the same user with the same scopes. It is shown once.</p>
  </form>`;
  return html`<section aria-labelledby="change">
    <h2 id="change">Change</h2>
    ${replacedBy === null && rotation}
    <form class="fields" action="/console/keys/${id}/revoke" method="post">
      <button class="danger" type="submit">Revoke</button>
      <p class="hint">At once and for ever. Sessions that were begun with it end.</p>
    </form>
  </section>`;
}
