import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { ListedSession } from '../../accounts/list-sessions.ts';
import type { User } from '../../accounts/users.ts';
import { type Html, instant, tableHead } from './figures.ts';
import { layout, type Message, messageLine } from './layout.ts';

interface SessionsView {
  /** undefined: sessions of all users */
  user: User | undefined;
  found: { sessions: ListedSession[]; next: string | null };
  message: Message | undefined;
}

/** Who is signed in, where, and since when. */
export function sessionsPage(session: ConsoleSession, { user, found, message }: SessionsView): Html {
  const { sessions, next } = found;
  const isOwn = user?.id === session.userId;
  const older = new URLSearchParams({ ...(user ? { user: user.id } : { show: 'all' }), cursor: next ?? '' });
  return layout({
    title: user && !isOwn ? `Sessions of ${user.email}` : 'Sessions',
    session,
    at: 'sessions',
    main: html`<h1>Sessions</h1>
      ${messageLine(message)} ${session.may.administer ? choices(isOwn, user) : ''}
      ${
        sessions.length === 0
          ? html`<p class="empty">Nobody is signed in.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Sessions, one by one">
              <table aria-label="Sessions">
                ${tableHead('User', ['With', 'medium'], ['May', 'wide'], 'Where', ['Since', 'medium'], 'Last used', ['Until', 'wide'], [html`<span class="hidden">End it</span>`, ''])}
                <tbody>
                  ${sessions.map((each) => row(each, session))}
                </tbody>
              </table>
            </div>`
      }
      ${next !== null && html`<p class="pages"><a rel="next" href="/console/sessions?${older.toString()}">Older sessions</a></p>`}
      ${user && sessions.length > 0 && endAll(user, isOwn)}`,
  });
}

function choices(isOwn: boolean, user: User | undefined): Html {
  const choice = (path: string, text: string, isCurrent: boolean) =>
    html`<li><a href="${path}" ${isCurrent && html` aria-current="true"`}>${text}</a></li>`;
  return html`<nav aria-label="Whose sessions">
    <ul class="choices">
      ${choice('/console/sessions', 'mine', isOwn)}${choice('/console/sessions?show=all', 'everybody’s', user === undefined)}${user && !isOwn && choice(`/console/sessions?user=${user.id}`, user.email, true)}
    </ul>
  </nav>`;
}

function row(each: ListedSession, { id: ownId }: ConsoleSession): Html {
  const { id, userId, email, keyPrefix, scopes, address, browser, createdAt, lastUsedAt, expiresAt } = each;
  const label = `End the session of ${email}, ${browserName(browser)}`;
  return html`<tr>
    <th scope="row" class="user" title="${email}">
      <a href="/console/audit?by=${userId}" title="What they did">${email}</a
      >${id === ownId && html` <span class="code">this one</span>`}
    </th>
    <td class="medium">${keyPrefix === null ? 'a link' : html`<code>${keyPrefix}…</code>`}</td>
    <td class="wide">${scopes.join(', ')}</td>
    <td title="${browser ?? ''}">${browserName(browser)}<span class="code">${address}</span></td>
    <td class="medium">${instant(createdAt)}</td>
    <td>${instant(lastUsedAt)}</td>
    <td class="wide">${instant(expiresAt)}</td>
    <td>
      <form class="actions" action="/console/sessions/${id}/end" method="post">
        <button type="submit" aria-label="${label}">End</button>
      </form>
    </td>
  </tr>`;
}

function endAll({ id, email }: User, isOwn: boolean): Html {
  return html`<form class="actions" action="/console/sessions/end-all" method="post">
    <input type="hidden" name="user" value="${id}" />
    <button class="danger" type="submit">${isOwn ? 'Sign out everywhere' : `Sign ${email} out everywhere`}</button
    ><span class="hint"
      >Ends all of these sessions${isOwn ? ', this one too' : ''}, and takes back links that were not used yet. Keys
      stay valid.</span
    >
  </form>`;
}

const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg/, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** Such as `Firefox on Linux`; the page has the whole text as a title. */
function browserName(browser: string | null): string {
  const find = (names: typeof BROWSERS) => names.find(([pattern]) => pattern.test(browser ?? ''))?.[1];
  const [name, system] = [find(BROWSERS), find(SYSTEMS)];
  if (name === undefined) return browser === null || browser === '' ? 'unknown' : 'another program';
  return system === undefined ? name : `${name} on ${system}`;
}
