import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import { type OperatorBatch, RATE_SECONDS } from '../../batches/search-batches.ts';
import type { Delivery } from '../../deliveries/read-deliveries.ts';
import type { BatchItem } from '../../domain/batch.ts';
import { progressBar, statePill } from './batches-page.ts';
import { deliveryList } from './delivery-list.ts';
import { bytes, count, counted, duration, type Html, instant, pill, roughly, secondsBetween, tableHead } from './figures.ts'; // prettier-ignore
import { layout, livePart, liveSwitch, type Message, messageLine } from './layout.ts';

/** The items that can be asked for. Those that wait are found by their jobs: by row, all that have ended come before them. */
export const SHOWN_ITEMS = ['failed', 'cancelled', 'completed'] as const;

/** The filter of the items, as the query string has it. */
export interface BatchQuery {
  status?: (typeof SHOWN_ITEMS)[number] | undefined;
  /** the row of the last item of the page before */
  after?: number | undefined;
}

export interface ItemPage {
  items: BatchItem[];
  next: number | null;
}

export interface BatchView {
  batch: OperatorBatch;
  query: BatchQuery;
  items: ItemPage;
  /** the first that failed */
  failures: ItemPage;
  deliveries: readonly Delivery[];
  message?: Message | undefined;
}

/** One batch: how far it is, what failed, and its items. */
export function batchPage(session: ConsoleSession, view: BatchView): Html {
  const { batch, query, deliveries, message } = view;
  const { id, completedAt } = batch;
  const isOver = completedAt !== null;
  const isFirst = query.status === undefined && query.after === undefined;
  const facts = batchFragment(batch);
  const failures = failuresFragment(batch, view.failures);
  const fragment = `/console/fragments/batches/${id}`;
  return layout({
    title: `Batch ${id}`,
    session,
    at: 'batches',
    search: id,
    main: html`<div class="head">
        <h1>Batch <span class="id">${id}</span></h1>
        ${!isOver && liveSwitch()}
      </div>
      ${messageLine(message)} ${isOver ? facts : livePart(fragment, facts, { state: stateOf(batch) })}
      ${session.may.operate && actions(batch)}
      ${isFirst && (isOver ? failures : livePart(`${fragment}/failures`, failures))} ${itemsSection(view)}
      ${isFirst && skippedSection(batch)} ${isFirst && deliveriesSection(batch, deliveries, session.may.operate)}
      ${isFirst && requestSection(batch)}`,
  });
}

/** When this changes, the script loads the whole page again. */
export const stateOf = ({ status, completedAt }: OperatorBatch) => (completedAt === null ? `open ${status}` : 'over');

export function batchFragment(batch: OperatorBatch): Html {
  const { userId, email, items, createdAt, completedAt, now, job } = batch;
  const fact = (name: string, value: string | number | Html) =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<section aria-labelledby="progress">
      <div class="head">
        <h2 id="progress">${count(items.total - items.open)} of ${counted(items.total, 'item')}</h2>
        <p class="hint">${outlook(batch)}</p>
      </div>
      ${progressBar(items)}
      <p class="hint">
        ${count(items.completed)} completed, <span ${items.failed > 0 && html` class="bad"`}>${count(items.failed)} failed</span>,
        ${count(items.cancelled)} cancelled, ${count(items.open)} open${items.skipped > 0 && `; ${counted(items.skipped, 'row')} left out`}
      </p>
    </section>
    <dl class="facts">
      ${fact('Status', statePill(batch))}
      ${fact('User', html`<a id="user" href="/console/batches?user=${userId}">${email}</a>`)}
      ${fact('Result', batch.result)} ${fact('Template', batch.templates.length === 0 ? '–' : batch.templates.join(', '))}
      ${fact('Accepted', instant(createdAt, now))}
      ${fact('In all', duration(secondsBetween(createdAt, completedAt ?? now)))}
      ${fact('Tier', batch.tier)} ${fact('Priority', batch.priority)}
      ${job !== null && fact('Merged by', html`<a id="closing" href="/console/jobs/${job}">the closing job</a>`)}
      ${fact('Request', batch.requestId === null ? '–' : html`<code>${batch.requestId}</code>`)}
    </dl>
    ${batch.errorCode !== null && html`<p class="message message-refused"><b>${batch.errorCode}</b> ${batch.errorMessage}</p>`}`; // prettier-ignore
}

/** How fast it is, and when it will be done if that goes on. */
function outlook({ status, items, endedLately, createdAt, completedAt, now }: OperatorBatch): Html | string {
  if (completedAt !== null) return html`Over at ${instant(completedAt, now)}`;
  if (status === 'closing') return 'All items have ended, and are merged';
  const seconds = Math.min(RATE_SECONDS, Math.max(1, secondsBetween(createdAt, now)));
  if (endedLately === 0) return seconds < RATE_SECONDS ? 'None has ended yet' : 'None has ended in the last minute';
  const rate = endedLately / seconds;
  const perTime = rate < 1 ? `${(rate * 60).toFixed(0)} a minute` : `${rate.toFixed(1)} a second`;
  const left = items.open / rate;
  const at = new Date(now.getTime() + left * 1_000);
  return html`${perTime}, over in some ${roughly(left)}, at ${instant(at, now)}`;
}

/** Before everything else, if there are any. */
export function failuresFragment({ id, items }: OperatorBatch, failures: ItemPage): Html {
  if (failures.items.length === 0) return html``;
  const more = items.failed - failures.items.length;
  return html`<section aria-labelledby="failures">
    <h2 id="failures">Failed items</h2>
    ${itemTable(failures.items, 'failures')}
    ${more > 0 && html`<p class="pages"><a id="all-failed" href="/console/batches/${id}?status=failed">And ${count(more)} more</a></p>`}
  </section>`;
}

function itemsSection({ batch: { id }, query, items: { items, next } }: BatchView): Html {
  const path = `/console/batches/${id}`;
  const choice = (status: BatchQuery['status']) =>
    html`<li>
      <a href="${path}${status ? `?status=${status}` : ''}" ${status === query.status && html` aria-current="true"`}
        >${status ?? 'all'}</a
      >
    </li>`;
  const more = new URLSearchParams({ ...(query.status && { status: query.status }), after: String(next) }).toString();
  return html`<section aria-labelledby="items">
    <div class="head">
      <h2 id="items">Items</h2>
      <nav aria-label="Filter by status">
        <ul class="choices">
          ${[undefined, ...SHOWN_ITEMS].map(choice)}
        </ul>
      </nav>
    </div>
    ${items.length === 0 ? html`<p class="empty">There are no such items.</p>` : itemTable(items, 'items')}
    ${next !== null && html`<p class="pages"><a id="further" rel="next" href="${path}?${more}">Further items</a></p>`}
  </section>`;
}

function itemTable(items: readonly BatchItem[], label: string): Html {
  const row = ({ row: number, job, status, filename, error, file }: BatchItem) =>
    html`<tr>
      <th scope="row"><a id="${label}-${number}" href="/console/jobs/${job}">${count(number)}</a></th>
      <td>${pill(status)}</td>
      <td class="reason">
        ${filename}${error && html`<span class="what"><b>${error.code}</b> ${error.message}</span>`}
      </td>
      <td class="number medium">${file ? counted(file.pages, 'page') : '–'}</td>
      <td class="number wide">${file ? bytes(file.size) : '–'}</td>
    </tr>`;
  return html`<table class="items" aria-labelledby="${label}">
    ${tableHead('Row', 'Status', 'File, or what went wrong', ['Pages', 'number medium'], ['Size', 'number wide'])}
    <tbody>
      ${items.map(row)}
    </tbody>
  </table>`;
}

function actions({ id, status, items, completedAt }: OperatorBatch): Html {
  if (completedAt === null)
    return status === 'cancelled'
      ? html``
      : html`<form class="actions" action="/console/batches/${id}/cancel" method="post">
          <button class="danger" type="submit">Cancel this batch</button
          ><span class="hint">All items that have not ended. What is completed stays.</span>
        </form>`;
  const lost = items.failed + items.cancelled;
  if (lost === 0 && status !== 'failed') return html``;
  return html`<form class="actions" action="/console/batches/${id}/retry" method="post">
    <button type="submit">${lost === 0 ? 'Merge again' : `Retry ${counted(lost, 'item')}`}</button
    ><span class="hint">New jobs in their places, within the limits of the user’s tier.</span>
  </form>`;
}

/** Rows that were not valid. */
function skippedSection({ items: { skipped }, skippedRows }: OperatorBatch): Html {
  if (skipped === 0) return html``;
  return html`<section aria-labelledby="skipped">
    <h2 id="skipped">${counted(skipped, 'row')} left out</h2>
    <table aria-labelledby="skipped">
      ${tableHead('Row', 'What is wrong')}
      <tbody>
        ${skippedRows.map(
          ({ row, field, message }) =>
            html`<tr>
              <th scope="row">${count(row)}</th>
              <td class="reason"><code>${field}</code> ${message}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** What is sent of its end. */
function deliveriesSection({ id, now }: OperatorBatch, deliveries: readonly Delivery[], canReplay: boolean): Html {
  if (deliveries.length === 0) return html``;
  return html`<section aria-labelledby="deliveries">
    <h2 id="deliveries">Deliveries</h2>
    ${deliveryList({ deliveries, path: `/console/batches/${id}`, now, canReplay })}
  </section>`;
}

function requestSection({ filename, metadata }: OperatorBatch): Html {
  const pairs = [...(filename === null ? [] : [['filename', filename] as const]), ...Object.entries(metadata)];
  if (pairs.length === 0) return html``;
  return html`<section aria-labelledby="request">
    <h2 id="request">Request</h2>
    <table class="pairs" aria-labelledby="request">
      <tbody>
        ${pairs.map(
          ([name, value], index) =>
            html`<tr>
              <th scope="row">${filename !== null && index === 0 ? name : `metadata.${name}`}</th>
              <td>${String(value)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
