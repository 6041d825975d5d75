import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { type ListedUser, USER_ORDERS, type UserOrder } from '../../accounts/search-users.ts';
import { choices, type Html, instantOf, tableHead } from './figures.ts';
import { layout, type Message, messageLine } from './layout.ts';
import { pagePath } from './page-path.ts';

/** The filter of the list, as the query string has it. */
export interface UsersQuery {
  q?: string | undefined;
  order: UserOrder;
  cursor?: string | undefined;
}

interface UsersView {
  query: UsersQuery;
  found: { users: ListedUser[]; next: string | null };
  message?: Message | undefined;
}

/** Everybody who has an account. */
export function usersPage(session: ConsoleSession, { query, found, message }: UsersView): Html {
  const { q, order } = query;
  const links = USER_ORDERS.map((each) => ({
    text: each === 'email' ? 'by email' : `${each} first`,
    path: pagePath('/console/users', { q, order: each }),
    isCurrent: each === order,
  }));
  return layout({
    title: 'Users',
    session,
    at: 'users',
    search: q ?? '',
    main: html`<div class="head"><h1>Users</h1></div>
      ${messageLine(message)}
      ${q !== undefined && html`<p class="of">Whose email or id begins with <b>${q}</b>. <a href="/console/users">Everybody</a></p>`}
      ${choices('Order', links)} ${list(found, query)} ${session.may.administer && newUserForm()}`,
  });
}

function list({ users, next }: UsersView['found'], query: UsersQuery): Html {
  if (users.length === 0) return html`<p class="empty">There are no such users.</p>`;
  return html`<table class="users" aria-label="Users">
      ${tableHead('User', 'Tier', ['Key last used', 'medium'], ['Since', 'wide'])}
      <tbody>
        ${users.map(row)}
      </tbody>
    </table>
    ${next !== null && html`<p class="pages"><a id="more" rel="next" href="${pagePath('/console/users', { ...query, cursor: next })}">More users</a></p>`}`;
}

function row({ id, email, tier, lastUsedAt, createdAt }: ListedUser): Html {
  return html`<tr>
    <th scope="row"><a class="url" id="user-${id}" href="/console/users/${id}">${email}</a></th>
    <td>${tier ?? html`<span class="warn">none</span>`}</td>
    <td class="medium">${instantOf(lastUsedAt, 'never')}</td>
    <td class="wide">${instantOf(createdAt)}</td>
  </tr>`;
}

function newUserForm(): Html {
  return html`<section aria-labelledby="new">
    <h2 id="new">New user</h2>
    <form class="fields" action="/console/users" method="post">
      <p><label for="email">Email</label> <input id="email" name="email" type="email" required maxlength="320" /></p>
      <button type="submit">Create</button>
      <p class="hint">Without a key. <a href="/console/keys">A key of a new user</a> creates the user too.</p>
    </form>
  </section>`;
}
