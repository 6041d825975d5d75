import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Delivery } from '../../deliveries/read-deliveries.ts';
import { isFinal, type JobFile } from '../../domain/job.ts';
import type { Permissions } from '../../domain/scope.ts';
import type { JobTimeline, TimelineAttempt } from '../../jobs/job-timeline.ts';
import { deliveryList } from './delivery-list.ts';
import { count, counted, duration, type Html, instant, pill, secondsBetween, tableHead } from './figures.ts';
import { pdfSection } from './job-pdf.ts';
import { messagesSection, needsDocuments, reasonSection } from './job-reason.ts';
import { layout, livePart, liveSwitch, type Message, messageLine } from './layout.ts';

export interface JobView {
  job: JobTimeline;
  /** what it has made and is kept, in order */
  files: readonly JobFile[];
  /** what is sent of it, oldest first */
  deliveries: readonly Delivery[];
  message?: Message | undefined;
  /** idempotency key of the retry form: a form that is sent twice makes one job */
  once: string;
}

/** One job: why it failed, its facts, its timeline, what its page said and showed, its PDF and its request. */
export function jobPage(session: ConsoleSession, { job, files, deliveries, message, once }: JobView): Html {
  const isOver = isFinal(job.status);
  const isSending = deliveries.some(({ status }) => status === 'pending');
  const fragment = jobFragment(job, session.may);
  return layout({
    title: `Job ${job.id}`,
    session,
    at: 'jobs',
    search: job.id,
    main: html`<div class="head">
        <h1>Job <span class="id">${job.id}</span></h1>
        ${(!isOver || isSending) && liveSwitch()}
      </div>
      ${messageLine(message)}
      ${isOver ? fragment : livePart(`/console/fragments/jobs/${job.id}`, fragment, { state: stateOf(job), job: job.id })}
      ${session.may.operate && actions(job, once)}
      ${deliveriesSection(job, deliveries, { isSending, canReplay: session.may.operate })}
      ${messagesSection(job, session.may)} ${pictureSection(job, session.may)} ${pdfSection(job, files, session.may)}
      ${requestSection(job, session.may)}`,
  });
}

/** When this changes, the script loads the whole page again. */
export const stateOf = ({ status }: JobTimeline) => (isFinal(status) ? status : 'open');

export function jobFragment(job: JobTimeline, may: Permissions): Html {
  const { status, createdAt, runAt, wasQueued, queuedAt, startedAt, completedAt, now } = job;
  const fact = (name: string, value: string | number | Html) =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`${reasonSection(job, may)}
    <dl class="facts">
      ${fact('Status', pill(status))}
      ${fact('User', html`<a id="user" href="/console/jobs?user=${job.userId}">${job.email}</a>`)}
      ${fact('Tier', job.tier === '' ? '–' : job.tier)} ${fact('Priority', job.priority)}
      ${job.batchId !== null && fact('Batch', batchOf(job.batchId, job.batchRow))}
      ${job.retryOf !== null && fact('Retry of', jobLink(job.retryOf))}
      ${job.retriedAs.length > 0 && fact('Retried as', html`${job.retriedAs.map((id) => html`${jobLink(id)} `)}`)}
      ${fact('Accepted', instant(createdAt, now))}
      ${runAt !== null && fact(status === 'scheduled' ? 'Runs at' : 'To run at', instant(runAt, now))}
      ${fact('Wait', status === 'queued' || startedAt ? duration(secondsBetween(queuedAt, startedAt ?? now)) : '–')}
      ${fact('In all', wasQueued ? duration(secondsBetween(queuedAt, completedAt ?? now)) : '–')}
      ${fact('Attempts', job.losses > 0 ? `${job.countedAttempts}, and ${counted(job.losses, 'lost worker')}` : job.countedAttempts)}
      ${fact('Request', job.requestId === null ? '–' : html`<code>${job.requestId}</code>`)}
    </dl>
    ${job.pauseReasons !== null && html`<p class="message message-refused" id="paused"><b>Paused</b>: it is not begun until the <a href="/console/actions#paused">pause</a> ends. ${job.pauseReasons.join('; ')}</p>`}
    ${timeline(job)}`;
}

/** By the end of its id: the beginning is the time, which retries share. */
const jobLink = (id: string) => html`<a href="/console/jobs/${id}" title="${id}"><code>…${id.slice(-12)}</code></a>`;

/** The batch that it belongs to, and its place there. */
const batchOf = (id: string, row: number | null) =>
  html`<a id="batch" href="/console/batches/${id}">${row === null ? 'the merge' : `row ${count(row)}`} of a batch</a>`;

function deliveriesSection(
  job: JobTimeline,
  deliveries: readonly Delivery[],
  { isSending, canReplay }: { isSending: boolean; canReplay: boolean },
): Html {
  if (deliveries.length === 0) return html``;
  const list = deliveriesFragment(job, deliveries, { canReplay });
  return html`<section aria-labelledby="deliveries">
    <h2 id="deliveries">Deliveries</h2>
    ${isSending ? livePart(`/console/fragments/jobs/${job.id}/deliveries`, list, { job: job.id }) : list}
  </section>`;
}

/** What is sent of the job: its end to webhooks, its file to where it is uploaded. */
export function deliveriesFragment(
  { id, now }: Pick<JobTimeline, 'id' | 'now'>,
  deliveries: readonly Delivery[],
  { canReplay }: { canReplay: boolean },
): Html {
  return deliveryList({ deliveries, path: `/console/jobs/${id}`, now, canReplay });
}

function timeline({ attempts, wasQueued, queuedAt, startedAt, completedAt, now, runs }: JobTimeline): Html {
  if (!wasQueued) return html``;
  const end = completedAt ?? now;
  const whole = Math.max(1, end.getTime() - queuedAt.getTime());
  const bar = (name: string, from: Date, until: Date) => {
    const x = ((from.getTime() - queuedAt.getTime()) / whole) * 1_000;
    const width = Math.max(4, ((until.getTime() - from.getTime()) / whole) * 1_000);
    return html`<svg class="run" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="run-back" width="1000" height="8" />
      <rect class="run-${name}" x="${Math.round(Math.min(x, 996))}" width="${Math.round(width)}" height="8" />
    </svg>`;
  };
  const first = attempts[0]?.startedAt ?? startedAt ?? end;
  const row = (name: string, from: Date, until: Date, attempt?: TimelineAttempt) => {
    const outcome = attempt && (attempt.outcome ?? 'running');
    return html`<tr>
      <th scope="row">${name}</th>
      <td class="run-cell">${bar(outcome ?? 'wait', from, until)}</td>
      <td>${instant(from, now)}</td>
      <td class="number">${duration(secondsBetween(from, until))}</td>
      <td>${outcome && pill(outcome)}</td>
      <td class="wide">${attempt && (attempt.worker ?? '–')}</td>
      <td class="reason">${attempt?.reason}</td>
    </tr>`;
  };
  const head = tableHead(
    'Step',
    [html`<span class="hidden">Share of the whole</span>`, ''],
    'From',
    ['Took', 'number'],
    'Outcome',
    ['Worker', 'wide'],
    'Reason',
  );
  return html`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    ${runs > attempts.length && html`<p class="hint">The last ${count(attempts.length)} of ${counted(runs, 'attempt')}.</p>`}
    <div class="scroll" id="timeline-scroll" tabindex="0" role="region" aria-label="Timeline, step by step">
      <table class="timeline" aria-labelledby="timeline">
        ${head}
        <tbody>
          ${row('Wait', queuedAt, first)}
          ${attempts.map((attempt) => row(`Attempt ${attempt.run}`, attempt.startedAt, attempt.endedAt ?? now, attempt))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function actions({ id, status, hasDocument }: JobTimeline, once: string): Html {
  if (status === 'completed') return html``;
  if (!isFinal(status))
    return html`<form class="actions" action="/console/jobs/${id}/cancel" method="post">
      <button class="danger" type="submit">Cancel this job</button
      ><span class="hint">Its document is kept for a retry.</span>
    </form>`;
  if (!hasDocument) return html`<p class="hint">Its document is no longer kept: it cannot be retried.</p>`;
  return html`<form class="actions" action="/console/jobs/${id}/retry" method="post">
    <input type="hidden" name="once" value="${once}" /><button type="submit">Retry</button
    ><span class="hint">A new job for the same user, within their limits.</span>
  </form>`;
}

function pictureSection({ id, report, errorMessage }: JobTimeline, may: Permissions): Html {
  if (!report?.hasPicture) return html``;
  return html`<section aria-labelledby="picture">
    <h2 id="picture">Its page when it failed</h2>
    ${
      may.seeDocuments
        ? html`<a href="/console/jobs/${id}/picture"
            ><img
              class="picture"
              src="/console/jobs/${id}/picture"
              alt="The page when it failed: ${errorMessage}"
              loading="lazy"
          /></a>`
        : html`<p class="hint">There is a picture: ${needsDocuments}</p>`
    }
  </section>`;
}

function requestSection(job: JobTimeline, may: Permissions): Html {
  const { url, filename, metadata, failedResources, missingFonts, incomplete, timings } = job;
  const pair = ([name, value]: [string, unknown]) =>
    html`<tr>
      <th scope="row">${name}</th>
      <td>${String(value)}</td>
    </tr>`;
  return html`<section aria-labelledby="request">
    <div class="head">
      <h2 id="request">Request</h2>
      ${job.hasDocument && (may.seeDocuments ? html`<a class="button" href="/console/jobs/${job.id}/sent">What was sent</a>` : html`<p class="hint">What was sent is kept: ${needsDocuments}</p>`)}
    </div>
    <table class="pairs" aria-labelledby="request">
      <tbody>
        ${pair(['source', url ?? (job.hasDocument ? 'HTML' : 'no longer kept')])}${filename !== null && pair(['filename', filename])}
        ${Object.entries(metadata).map(([name, value]) => pair([`metadata.${name}`, value]))}
        ${Object.entries(timings ?? {}).map(([name, value]) => pair([`timings.${name}`, duration(Number(value) / 1_000)]))}
      </tbody>
    </table>
    ${
      failedResources.length > 0 &&
      html`<h3 id="failed-resources">${job.failedResourceCount} did not load</h3>
        <ul class="failed">
          ${failedResources.map(({ url: its, reason }) => html`<li><code>${its}</code> ${reason}</li>`)}
        </ul>`
    }
    ${
      missingFonts.length > 0 &&
      html`<h3>Fonts that are not here</h3>
        <ul class="failed">
          ${missingFonts.map((family) => html`<li>${family}</li>`)}
        </ul>`
    }
    ${
      incomplete.length > 0 &&
      html`<h3>Printed as it was</h3>
        <ul class="failed">
          ${incomplete.map((sentence) => html`<li>${sentence}</li>`)}
        </ul>`
    }
    <details class="numbers">
      <summary>Options</summary>
      <pre tabindex="0">${JSON.stringify(job.request, null, 2)}</pre>
    </details>
  </section>`;
}
