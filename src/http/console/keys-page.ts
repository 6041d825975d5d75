import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { CreatedKey } from '../../accounts/keys.ts';
import { type FoundKey, KEY_STATES, type KeyState } from '../../accounts/search-keys.ts';
import type { User } from '../../accounts/users.ts';
import { OWN_SCOPES, SCOPES } from '../../domain/scope.ts';
import type { Tier } from '../../domain/tier.ts';
import { choices, type Html, instantOf, pill, tableHead } from './figures.ts';
import { layout, type Message, messageLine } from './layout.ts';
import { pagePath } from './page-path.ts';

/** The filter of the list, as the query string has it. */
export interface KeysQuery {
  /** id */
  user?: string | undefined;
  /** the beginning of a key */
  q?: string | undefined;
  state?: KeyState | undefined;
  cursor?: string | undefined;
}

export interface KeysView {
  query: KeysQuery;
  user: User | undefined;
  found: { keys: FoundKey[]; next: string | null };
  tiers: readonly Tier[];
  message?: Message | undefined;
}

/** Keys of everybody, or of one user. */
export function keysPage(session: ConsoleSession, { query, user, found, tiers, message }: KeysView): Html {
  const { cursor: _, ...filter } = query;
  const links = [undefined, ...KEY_STATES].map((state) => ({
    text: state ?? 'all',
    path: pagePath('/console/keys', { ...filter, state }),
    isCurrent: state === query.state,
  }));
  return layout({
    title: user ? `Keys of ${user.email}` : 'Keys',
    session,
    at: 'keys',
    search: user?.email ?? query.q ?? '',
    main: html`<div class="head"><h1>Keys</h1></div>
      ${messageLine(message)}
      ${user && html`<p class="of">Of <b>${user.email}</b>. <a id="user" href="/console/users/${user.id}">Their page</a>, <a href="/console/keys">everybody’s keys</a></p>`}
      ${query.q !== undefined && html`<p class="of">That begin with <code>${query.q}</code>. <a href="/console/keys">All keys</a></p>`}
      ${choices('Filter by state', links)} ${list(found, query)} ${session.may.administer && newKeyForm(tiers, user)}`,
  });
}

function list({ keys, next }: KeysView['found'], query: KeysQuery): Html {
  const older =
    next !== null &&
    html`<p class="pages">
      <a id="older" rel="next" href="${pagePath('/console/keys', { ...query, cursor: next })}">Older keys</a>
    </p>`;
  if (keys.length === 0)
    return html`<p class="empty">${next === null ? 'There are no such keys.' : 'None among the newest.'}</p>
      ${older}`;
  return html`<table class="keys" aria-label="Keys">
      ${tableHead('Key', 'State', 'User', ['Scopes', 'medium'], ['Last used', 'medium'], ['Created', 'wide'])}
      <tbody>
        ${keys.map(row)}
      </tbody>
    </table>
    ${older}`;
}

function row({ id, prefix, user, scopes, lastUsedAt, createdAt, ...key }: FoundKey): Html {
  return html`<tr>
    <th scope="row"><a class="id" id="key-${id}" href="/console/keys/${id}">${prefix}…</a></th>
    <td>${statePill(key.state)}</td>
    <td class="user" title="${user}"><a href="/console/users/${key.userId}">${user}</a></td>
    <td class="medium">${scopes.join(', ')}</td>
    <td class="medium">${instantOf(lastUsedAt, 'never')}</td>
    <td class="wide">${instantOf(createdAt)}</td>
  </tr>`;
}

export const statePill = (state: KeyState) =>
  pill(state, state === 'valid' ? 'on' : state === 'revoked' ? 'reject' : 'off');

function newKeyForm(tiers: readonly Tier[], user: User | undefined): Html {
  const scope = (name: (typeof SCOPES)[number]) =>
    html`<label class="check"
      ><input type="checkbox" name="scopes" value="${name}" ${OWN_SCOPES.includes(name) && html` checked`} />
      ${name}</label
    >`;
  return html`<section aria-labelledby="new">
    <h2 id="new">New key</h2>
    <form class="fields" action="/console/keys" method="post">
      <p>
        <label for="email">Email of its user</label>
        <input id="email" name="email" type="email" required maxlength="320" value="${user?.email ?? ''}" />
      </p>
      <p>
        <label for="tier">Tier</label>
        <select id="tier" name="tier">
          <option value="">as it is, or starter</option>
          ${tiers.map(({ name }) => html`<option>${name}</option>`)}
        </select>
      </p>
      <p>
        <label for="expires">Valid until, in UTC</label>
        <input id="expires" name="expiresAt" type="datetime-local" />
      </p>
      <fieldset>
        <legend>Scopes</legend>
        ${SCOPES.map(scope)}
      </fieldset>
      <button type="submit">Create</button>
      <p class="hint">It is shown once. A user that is new is created.</p>
    </form>
  </section>`;
}

/** The only page that shows a key. */
export function newKeyPage(session: ConsoleSession, { id, key, user, userId, scopes, expiresAt }: CreatedKey): Html {
  return layout({
    title: 'New key',
    session,
    at: 'keys',
    main: html`<div class="head"><h1>New key</h1></div>
      <p class="message message-done" role="status">Copy it now: it is shown this once, and only its hash is stored.</p>
      <p>
        <label class="hidden" for="new-key">The key</label>
        <input id="new-key" class="secret" readonly value="${key}" />
      </p>
      <p>
        Of <a id="user" href="/console/users/${userId}">${user}</a>, for ${scopes.join(', ')},
        ${expiresAt === null ? 'for ever' : html`until ${instantOf(expiresAt)}`}.
        <a id="key" href="/console/keys/${id}">Its page</a>
      </p>`,
  });
}
