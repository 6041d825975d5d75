import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { User } from '../../accounts/users.ts';
import type { ItemCounts, ListedBatch } from '../../batches/search-batches.ts';
import { BATCH_STATUSES, type BatchStatus } from '../../domain/batch.ts';
import { count, duration, type Html, instant, pill, secondsBetween, tableHead } from './figures.ts';
import { layout, livePart, liveSwitch } from './layout.ts';

/** The filter of the list, as the query string has it. */
export interface BatchesQuery {
  status?: BatchStatus | undefined;
  /** id */
  user?: string | undefined;
  cursor?: string | undefined;
}

export interface FoundBatches {
  batches: ListedBatch[];
  next: string | null;
}

/** Batches of all users, or of one, newest first. */
export function batchesPage(
  session: ConsoleSession,
  { query, user, found }: { query: BatchesQuery; user: User | undefined; found: FoundBatches },
): Html {
  const filter = (status: BatchStatus | undefined) =>
    html`<li>
      <a
        href="${pathOf('/console/batches', { status, user: query.user })}"
        ${status === query.status && html` aria-current="true"`}
        >${status ?? 'all'}</a
      >
    </li>`;
  const list = batchesFragment(found, query);
  return layout({
    title: user ? `Batches of ${user.email}` : 'Batches',
    session,
    at: 'batches',
    search: user?.email ?? '',
    main: html`<div class="head">
        <h1>Batches</h1>
        ${query.cursor === undefined && liveSwitch()}
      </div>
      ${
        user &&
        html`<p class="of">
          Of <b>${user.email}</b>, ${user.tier ?? 'without a subscription'}, user <code>${user.id}</code>.
          <a href="/console/jobs?user=${user.id}">Their jobs</a>,
          <a href="${pathOf('/console/batches', { status: query.status })}">everybody’s batches</a>
        </p>`
      }
      <nav aria-label="Filter by status">
        <ul class="choices">
          ${[undefined, ...BATCH_STATUSES].map(filter)}
        </ul>
      </nav>
      ${query.cursor === undefined ? livePart(pathOf('/console/fragments/batches', query), list) : list}`,
  });
}

export function batchesFragment({ batches, next }: FoundBatches, query: BatchesQuery): Html {
  const older =
    next !== null &&
    html`<p class="pages">
      <a id="older" rel="next" href="${pathOf('/console/batches', { ...query, cursor: next })}">Older batches</a>
    </p>`;
  if (batches.length === 0)
    return html`<p class="empty">${next === null ? 'There are no such batches.' : 'None among the newest.'}</p>
      ${older}`;
  return html`<table class="jobs" aria-label="Batches">
      ${tableHead('Batch', 'Status', ['User', 'medium'], 'Items', ['Failed', 'number'], ['Result', 'wide'], ['Accepted', 'medium'], ['Took', 'number wide'])}
      <tbody>
        ${batches.map(batchRow)}
      </tbody>
    </table>
    ${older}`;
}

function batchRow(batch: ListedBatch): Html {
  const { id, email, items, filename, templates, result, createdAt, completedAt } = batch;
  const now = new Date();
  const what = [filename, templates.join(', ')].filter((text) => text !== null && text !== '').join(' · ');
  return html`<tr>
    <th scope="row">
      <a class="id" id="batch-${id}" href="/console/batches/${id}"
        ><span class="dim">${id.slice(0, 24)}</span>${id.slice(24)}</a
      >${what !== '' && html`<span class="filename">${what}</span>`}
    </th>
    <td>${statePill(batch)}${batch.errorCode !== null && html`<span class="code">${batch.errorCode}</span>`}</td>
    <td class="user medium" title="${email}">${email}</td>
    <td class="progress">${progressBar(items)}<span class="code">${count(items.total - items.open)} of ${count(items.total)}</span></td>
    <td class="number">${items.failed > 0 ? html`<span class="bad">${count(items.failed)}</span>` : '–'}</td>
    <td class="wide">${result}</td>
    <td class="medium">${instant(createdAt, now)}</td>
    <td class="number wide">${duration(secondsBetween(createdAt, completedAt ?? now))}</td>
  </tr>`; // prettier-ignore
}

/** A batch that is cancelled may still have open items. */
export const statePill = ({ status, completedAt }: Pick<ListedBatch, 'status' | 'completedAt'>) =>
  status === 'cancelled' && completedAt === null
    ? pill('cancelling', 'processing')
    : pill(status, status === 'closing' ? 'processing' : status);

/** How the items have ended. The figures are next to it. */
export function progressBar(items: ItemCounts): Html {
  let x = 0;
  const part = (name: 'completed' | 'failed' | 'cancelled') => {
    if (items[name] === 0) return html``;
    // Of a hundred thousand one that failed is seen, too.
    const width = Math.max(6, (items[name] / items.total) * 1_000);
    const at = Math.min(x, 1_000 - width);
    x += (items[name] / items.total) * 1_000;
    return html`<rect class="run-${name}" x="${Math.round(at)}" width="${Math.round(width)}" height="8" />`;
  };
  const parts = (['completed', 'cancelled', 'failed'] as const).map(part);
  return html`<svg class="run" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="run-back" width="1000" height="8" />
    ${parts}
  </svg>`;
}

/** The path with the parameters that are set. */
function pathOf(path: string, query: BatchesQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][]).toString()}`;
}
