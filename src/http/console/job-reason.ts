import { html } from 'hono/html';
import { adviceFor } from '../../domain/advice.ts';
import { type ConsoleMessage, errorsOf, isError } from '../../domain/page-report.ts';
import type { Permissions } from '../../domain/scope.ts';
import type { JobTimeline } from '../../jobs/job-timeline.ts';
import { counted, type Html } from './figures.ts';

/** Errors of the page beside the reason; all of them are below. */
const SHOWN_ERRORS = 3;

/** Why a job failed, and what to do: the first thing on its page. */
export function reasonSection(
  { errorCode, errorMessage, failedResourceCount, report }: JobTimeline,
  may: Permissions,
): Html {
  if (errorCode === null) return html``;
  const messages = report?.messages ?? [];
  const errors = may.seeDocuments ? messages.filter(isError) : errorsOf(messages);
  // The message quotes them already.
  const said = errorCode === 'console_error' ? [] : errors.slice(0, SHOWN_ERRORS);
  return html`<section class="why" aria-labelledby="why">
    <h2 id="why">Why it failed</h2>
    <p class="message message-refused"><b>${errorCode}</b> ${errorMessage}</p>
    <p>${adviceFor(errorCode)}</p>
    ${
      said.length > 0 &&
      html`<h3>What its page said before</h3>
        ${messageList(said)}`
    }
    ${errors.length > said.length && said.length > 0 && html`<p class="hint"><a href="#messages">All that it said</a></p>`}
    ${failedResourceCount > 0 && html`<p class="hint"><a href="#failed-resources">${counted(failedResourceCount, 'resource')} did not load</a></p>`}
  </section>`;
}

/** What the pages of a job said. Without the right to see documents only the errors, cut: anything else may be of a document. */
export function messagesSection({ report }: JobTimeline, may: Permissions): Html {
  if (!report || report.messageCount === 0) return html``;
  const { messages, messageCount, run } = report;
  const shown = may.seeDocuments ? messages : errorsOf(messages);
  const hidden = messages.length - shown.length;
  return html`<section aria-labelledby="messages">
    <div class="head">
      <h2 id="messages">Console of its page</h2>
      <p class="hint">${counted(messageCount, 'message')}, of attempt ${run}</p>
    </div>
    ${shown.length > 0 && messageList(shown)}
    ${hidden > 0 && html`<p class="hint">${counted(hidden, 'message')} ${hidden === 1 ? 'is' : 'are'} not shown, as a page may say what is in its document: ${needsDocuments}</p>`}
  </section>`;
}

export const needsDocuments: Html = html`to see that takes a key with the scope <code>console:documents</code>.`;

function messageList(messages: readonly ConsoleMessage[]): Html {
  return html`<ul class="failed said">
    ${messages.map(
      ({ type, text, at, times }) =>
        html`<li class="said-${type}">
          <b>${type}</b> <span>${text}</span> ${at !== null && html`<code>${at}</code>`}
          ${times > 1 && html`<span class="hint">${counted(times, 'time')}</span>`}
        </li>`,
    )}
  </ul>`;
}
