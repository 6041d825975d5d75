import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { User } from '../../accounts/users.ts';
import type { ListedTemplate } from '../../templates/search-templates.ts';
import { type Html, instantOf, tableHead } from './figures.ts';
import { layout, type Message, messageLine } from './layout.ts';
import { pagePath } from './page-path.ts';

/** The filter of the list, as the query string has it. */
interface TemplatesQuery {
  /** id */
  user?: string | undefined;
  /** the beginning of the name */
  q?: string | undefined;
  cursor?: string | undefined;
}

interface TemplatesView {
  query: TemplatesQuery;
  user: User | undefined;
  found: { templates: ListedTemplate[]; next: string | null };
  message?: Message | undefined;
}

/** Templates of everybody, or of one user. */
export function templatesPage(session: ConsoleSession, { query, user, found, message }: TemplatesView): Html {
  return layout({
    title: user ? `Templates of ${user.email}` : 'Templates',
    session,
    at: 'templates',
    search: user?.email ?? query.q ?? '',
    main: html`<div class="head"><h1>Templates</h1></div>
      ${messageLine(message)}
      ${user && html`<p class="of">Of <b>${user.email}</b>. <a id="user" href="/console/users/${user.id}">Their page</a>, <a href="/console/templates">everybody’s templates</a></p>`}
      ${query.q !== undefined && html`<p class="of">Whose name begins with <b>${query.q}</b>. <a href="/console/templates">All templates</a></p>`}
      ${list(found, query)}`,
  });
}

function list({ templates, next }: TemplatesView['found'], query: TemplatesQuery): Html {
  const older =
    next !== null &&
    html`<p class="pages">
      <a id="older" rel="next" href="${pagePath('/console/templates', { ...query, cursor: next })}">Older templates</a>
    </p>`;
  if (templates.length === 0)
    return html`<p class="empty">${next === null ? 'There are no such templates.' : 'None among the newest.'}</p>
      ${older}`;
  return html`<table class="templates" aria-label="Templates">
      ${tableHead('Template', ['Newest', 'number'], 'User', ['Changed', 'medium'], ['Description', 'wide'])}
      <tbody>
        ${templates.map(row)}
      </tbody>
    </table>
    ${older}`;
}

function row({ id, name, latest, userId, email, changedAt, description }: ListedTemplate): Html {
  return html`<tr>
    <th scope="row"><a class="url" id="template-${id}" href="/console/templates/${id}">${name}</a></th>
    <td class="number">${changedAt === null ? html`<span class="dim">deleted</span>` : `@${latest}`}</td>
    <td class="user" title="${email}"><a href="/console/users/${userId}">${email}</a></td>
    <td class="medium">${instantOf(changedAt)}</td>
    <td class="wide reason">${description}</td>
  </tr>`;
}
