import { html } from 'hono/html';
import type { Delivery } from '../../deliveries/read-deliveries.ts';
import { counted, duration, type Html, instant, pill, roughly, secondsBetween, tableHead } from './figures.ts';

interface DeliveryList {
  deliveries: readonly Delivery[];
  /** path of the page: where its forms go */
  path: string;
  now: Date;
  /** whether the job or batch of each is named */
  hasJobs?: boolean;
  /** whether one that failed can be sent again */
  canReplay: boolean;
}

/** What was sent, where to, and how each attempt ended. */
export function deliveryList({ deliveries, ...list }: DeliveryList): Html {
  return html`<ul class="deliveries">
    ${deliveries.map((each) => item(each, list))}
  </ul>`;
}

function item(delivery: Delivery, { path, now, hasJobs, canReplay }: Omit<DeliveryList, 'deliveries'>): Html {
  const { id, kind, event, url, webhookId, status } = delivery;
  const what = kind === 'webhook' ? (event ?? kind) : kind;
  const target = webhookId === null ? url : html`<a id="to-${id}" href="/console/webhooks/${webhookId}">${url}</a>`;
  const replay = html`<form action="${path}/deliveries/${id}/replay" method="post">
    <button id="replay-${id}" class="plain" type="submit">Send again</button>
  </form>`;
  return html`<li>
    <div class="head">
      ${pill(status)}<b>${what}</b>
      ${hasJobs ? html`<span class="to">${endedOf(delivery)}</span>` : html`<code class="to">${target}</code>`}
      ${status === 'failed' && canReplay && replay}
    </div>
    <p class="hint">${inWords(delivery, now)}</p>
    ${delivery.tries.length > 0 && triesOf(delivery, now)}
  </li>`;
}

/** What it reports. */
function endedOf({ id, jobId, batchId }: Delivery): Html {
  if (batchId !== null) return html`batch <code>${batchId}</code>`;
  if (jobId === null) return html`a test`;
  return html`job
    <a class="id" id="of-${id}" href="/console/jobs/${jobId}"
      ><span class="dim">${jobId.slice(0, 24)}</span>${jobId.slice(24)}</a
    >`;
}

/** What has happened, and what happens next. */
function inWords({ kind, status, attempts, event, batchId, nextAttemptAt, endedAt }: Delivery, now: Date): Html {
  const tries = counted(attempts, 'attempt');
  const ended = endedAt === null ? '' : html` at ${instant(new Date(endedAt), now)}`;
  switch (status) {
    case 'delivered':
      return html`Delivered${ended}, by ${tries}.`;
    case 'failed':
      return attempts === 0 ? html`Not sent${ended}: the webhook is off.` : html`Given up${ended}, after ${tries}.`;
    case 'cancelled':
      if (batchId !== null) return html`Not sent${ended}: items of the batch were retried.`;
      return kind === 'report'
        ? html`Not sent${ended}: the upload ended otherwise.`
        : html`Not sent${ended}: the job has not completed.`;
    case 'pending':
      if (kind === 'report' && attempts === 0 && nextAttemptAt === null)
        return html`It is sent when the upload has ended.`;
      if (event === null) return html`It is sent when the ${batchId === null ? 'job' : 'batch'} has ended.`;
      if (nextAttemptAt === null) return html`${attempts > 0 && `${tries}. `}It is being sent, or is next.`;
      return html`${tries}. The next is ${until(new Date(nextAttemptAt), now)}.`;
  }
}

function until(at: Date, now: Date): Html {
  const iso = at.toISOString();
  const seconds = secondsBetween(now, at);
  return html`<time datetime="${iso}" title="${iso}">${seconds < 1 ? 'now' : `in ${roughly(seconds)}`}</time>`;
}

function triesOf({ id, attempts, tries }: Delivery, now: Date): Html {
  const rows = tries.map(({ number, at, ms, status, error, answer }) => {
    const isOk = error === null && status !== null && status >= 200 && status < 300;
    return html`<tr>
      <th scope="row">${number}</th>
      <td class="medium">${instant(new Date(at), now)}</td>
      <td class="number">${duration(ms / 1_000)}</td>
      <td class="number">${status === null ? '–' : html`<span${!isOk && html` class="bad"`}>${status}</span>`}</td>
      <td class="reason">
        ${error}
        ${
          answer !== null &&
          answer !== '' &&
          html`<details class="answer" id="answer-${id}-${number}">
            <summary>Answer</summary>
            <pre tabindex="0">${answer}</pre>
          </details>`
        }
      </td>
    </tr>`;
  });
  const label = `Attempts at ${id}`;
  return html`${attempts > tries.length && html`<p class="hint">The last ${tries.length} of ${counted(attempts, 'attempt')}.</p>`}
    <div class="scroll" id="tries-${id}" tabindex="0" role="region" aria-label="${label}">
      <table class="tries" aria-label="${label}">
        ${tableHead('Attempt', ['At', 'medium'], ['Took', 'number'], ['Status', 'number'], 'What went wrong')}
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}
