import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { AuditEntry } from '../../accounts/search-audit.ts';
import { ACTS, LOOKS, VISITS } from '../../domain/audit-act.ts';
import { type Html, instant, tableHead } from './figures.ts';
import { layout } from './layout.ts';

/** The filter, as the query string has it. */
interface AuditQuery {
  /** email or id of who did it */
  by?: string | undefined;
  /** email or id of whose it was */
  user?: string | undefined;
  job?: string | undefined;
  what?: string | undefined;
  /** days in UTC, both included */
  from?: string | undefined;
  until?: string | undefined;
}

interface AuditView {
  query: AuditQuery;
  found: { entries: AuditEntry[]; next: string | null };
}

/** Who looked at which document, and who did what for whom. */
export function auditPage(session: ConsoleSession, { query, found }: AuditView): Html {
  const { entries, next } = found;
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return layout({
    title: 'Audit log',
    session,
    at: 'audit',
    main: html`<h1>Audit log</h1>
      ${!session.may.administer && html`<p class="hint">What you have done. An administrator sees what everybody has done.</p>`}
      ${filterForm(session, query)}
      ${
        entries.length === 0
          ? html`<p class="empty">${isFiltered ? 'Nothing matches.' : 'Nothing yet.'}</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Audit log, newest first">
              <table aria-label="Audit log">
                ${tableHead('When', 'Who', 'What', 'Whose', ['Of', 'medium'], ['Request', 'wide'])}
                <tbody>
                  ${entries.map(row)}
                </tbody>
              </table>
            </div>`
      }
      ${next !== null && html`<p class="pages"><a rel="next" href="${pathOf({ ...query, cursor: next })}">Older entries</a></p>`}
      ${isFiltered && html`<p><a href="/console/audit">Without the filter</a></p>`}`,
  });
}

function filterForm({ may }: ConsoleSession, { by, user, job, what, from, until }: AuditQuery): Html {
  const field = (name: string, label: string, value: string | undefined, type = 'text') =>
    html`<label
      >${label}<input
        id="${name}"
        name="${name}"
        type="${type}"
        value="${value ?? ''}"
        autocomplete="off"
        spellcheck="false"
        maxlength="320"
    /></label>`;
  const group = (label: string, names: readonly string[]) =>
    html`<optgroup label="${label}">
      ${names.map((name) => html`<option ${name === what && html` selected`}>${name}</option>`)}
    </optgroup>`;
  return html`<form class="filter-fields" action="/console/audit" method="get" aria-label="Filter">
    ${may.administer && field('by', 'Who (email or id)', by)} ${field('user', 'Whose (email or id)', user)}
    ${field('job', 'Job (id)', job)}
    <label
      >What<select id="what" name="what">
        <option value="">anything</option>
        ${group('Looks at documents', LOOKS)}${group('Done for others', ACTS)}${group('Signing in', VISITS)}
      </select></label
    >
    ${field('from', 'From (UTC)', from, 'date')} ${field('until', 'Until (UTC)', until, 'date')}
    <button type="submit">Filter</button>
  </form>`;
}

function row({ at, what, byId, by, userId, user, jobId, requestId, detail }: AuditEntry): Html {
  const more = Object.entries(detail).map(([name, value]) => html`<span class="code">${name} ${String(value)}</span>`);
  return html`<tr>
    <td>${instant(new Date(at))}</td>
    <td class="user" title="${by ?? ''}">${byId === null ? 'the server’s shell' : person('by', byId, by)}</td>
    <td>${what}</td>
    <td class="user" title="${user ?? ''}">${userId === null ? '–' : person('user', userId, user)}</td>
    <td class="medium">${jobId !== null && html`<a class="id" href="/console/jobs/${jobId}">${jobId}</a>`}${more}</td>
    <td class="wide">${requestId !== null && html`<code>${requestId}</code>`}</td>
  </tr>`;
}

/** Leads to all that they did, or that was done of theirs. */
const person = (role: 'by' | 'user', id: string, email: string | null) =>
  html`<a href="${pathOf({ [role]: id })}">${email ?? 'erased user'}</a>`;

function pathOf(query: AuditQuery & { cursor?: string }): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `/console/audit?${new URLSearchParams(given as [string, string][]).toString()}`;
}
