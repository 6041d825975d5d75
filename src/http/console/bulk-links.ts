import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { BulkActionName } from '../../domain/bulk-action.ts';
import { isFiltered, jobFilterFields, type JobFilter } from '../../domain/job-filter.ts';
import { UNDER_WAY } from '../../domain/job.ts';
import type { Html } from './figures.ts';

/** What the links say. */
const TEXTS: Record<BulkActionName, string> = {
  cancel: 'Cancel all…',
  retry: 'Retry all…',
  replay: 'Send all again…',
};

/** Below a filter: what can be done to all jobs that it finds. Each leads to a page that counts them first. */
export function bulkLinks(session: ConsoleSession, filter: JobFilter): Html {
  if (!session.may.operate || !isFiltered(filter)) return html``;
  const { status } = filter;
  const canCancel = status === undefined || UNDER_WAY.includes(status);
  const canRetry = status === undefined || status === 'failed' || status === 'cancelled';
  const canReplay = status === undefined || !UNDER_WAY.includes(status);
  const link = (action: BulkActionName, isShown: boolean) =>
    isShown &&
    html`<a
      class="button"
      id="bulk-${action}"
      href="/console/actions/new?${new URLSearchParams({ action, ...jobFilterFields(filter) }).toString()}"
      >${TEXTS[action]}</a
    >`;
  return html`<p class="actions">
    ${link('cancel', canCancel)} ${link('retry', canRetry)} ${link('replay', canReplay)}
  </p>`;
}
