import { html } from 'hono/html';
import { type JobFilter, jobFilterFields } from '../../domain/job-filter.ts';
import { JOB_STATUSES, type JobStatus } from '../../domain/job.ts';
import { JOB_ERROR_CODES } from '../../kernel/errors.ts';
import type { Html } from './figures.ts';
import { jobsPath } from './jobs-path.ts';

const DAY_MS = 86_400_000;

/** Links to the jobs of one status, and of today or the last week. */
export function jobFilterLinks(filter: JobFilter, now = new Date()): Html {
  const link = (changed: JobFilter, isCurrent: boolean, text: string) =>
    html`<li><a href="${jobsPath({ filter: changed })}" ${isCurrent && html` aria-current="true"`}>${text}</a></li>`;
  const ofStatus = (status: JobStatus | undefined) =>
    link({ ...filter, status }, status === filter.status, status ?? 'all');
  const since = (days: number, text: string) => {
    const after = new Date(Math.floor(now.getTime() / DAY_MS - days) * DAY_MS).toISOString();
    return link({ ...filter, after, before: undefined }, filter.after === after && filter.before === undefined, text);
  };
  const isAnyTime = filter.after === undefined && filter.before === undefined;
  return html`<nav aria-label="Filter by status">
      <ul class="choices">
        ${[undefined, ...JOB_STATUSES].map(ofStatus)}
      </ul>
    </nav>
    <nav aria-label="Filter by time of acceptance">
      <ul class="choices">
        ${link({ ...filter, after: undefined, before: undefined }, isAnyTime, 'any time')} ${since(0, 'today')}
        ${since(6, 'last 7 days')}
      </ul>
    </nav>`;
}

/** Words for the fields of a filter that have no link of their own. */
const NAMES: Record<string, string> = {
  email: 'Email begins',
  id: 'Id begins',
  filename: 'Filename begins',
  error: 'Error',
  tier: 'Tier',
  template: 'Template',
  batch: 'Batch',
  after: 'Accepted since',
  before: 'Accepted before',
  retried: 'Retried',
};

/** What is asked for, with a link each that leaves it out. */
export function jobFilterChips(filter: JobFilter): Html {
  const fields = Object.entries(jobFilterFields(filter)).filter(([name]) => name !== 'status' && name !== 'user');
  if (fields.length === 0) return html``;
  const chip = ([name, value]: [string, string]) => {
    const text = `${NAMES[name] ?? name.replace(/^metadata\./, '')}: ${shownTime(name, value)}`;
    return html`<li>
      <a class="chip" href="${jobsPath({ filter: withoutField(filter, name) })}"
        >${text}<span aria-hidden="true"> ×</span><span class="hidden"> remove</span></a
      >
    </li>`;
  };
  return html`<ul class="chips" aria-label="What is asked for">
    ${fields.map(chip)}
  </ul>`;
}

const shownTime = (name: string, value: string) =>
  name === 'after' || name === 'before' ? `${value.slice(0, 16).replace('T', ' ').replace(' 00:00', '')} UTC` : value;

function withoutField(filter: JobFilter, name: string): JobFilter {
  if (!name.startsWith('metadata.')) return { ...filter, [name]: undefined };
  const { [name.slice('metadata.'.length)]: _, ...metadata } = filter.metadata ?? {};
  return { ...filter, metadata };
}

/** A form with a field for each that has no link. It sends what it does not show, too. */
export function jobFilterForm(filter: JobFilter): Html {
  const fields = jobFilterFields(filter);
  const shown = new Set(Object.keys(NAMES));
  const input = (name: string, label: string, placeholder: string, type = 'text') =>
    html`<label
      >${label}
      <input
        name="${name}"
        type="${type}"
        value="${fields[name] ?? ''}"
        placeholder="${placeholder}"
        maxlength="500"
        autocomplete="off"
        spellcheck="false"
    /></label>`;
  const choice = (name: string, label: string, options: readonly (readonly [value: string, text: string])[]) =>
    html`<label
      >${label}
      <select name="${name}">
        ${[['', 'any'] as const, ...options].map(([value, text]) => html`<option value="${value}" ${value === (fields[name] ?? '') && html` selected`}>${text}</option>`)}
      </select></label
    >`;
  const time = (name: 'after' | 'before', label: string) => {
    const isDay = fields[name]?.endsWith('T00:00:00.000Z') ?? true;
    return html`<label
      >${label}
      <input
        name="${name}"
        type="${isDay ? 'date' : 'text'}"
        value="${isDay ? (fields[name] ?? '').slice(0, 10) : fields[name]}"
    /></label>`;
  };
  const codes = [
    ...new Set([...JOB_ERROR_CODES, 'invalid_request', 'internal', ...(filter.error ? [filter.error] : [])]),
  ];
  const hidden = Object.entries(fields).filter(([name]) => !shown.has(name));
  return html`<details class="filter">
    <summary>More filters</summary>
    <form class="filter-fields" action="/console/jobs" method="get">
      ${hidden.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      ${input('email', 'Email begins with', 'ann@')} ${input('filename', 'Filename begins with', 'invoice-2026')}
      ${input('metadata', 'Metadata', 'order=A-17')}
      ${choice(
        'error',
        'Error',
        codes.toSorted().map((code) => [code, code]),
      )}
      ${input('template', 'Template', 'invoice or invoice@7')} ${input('tier', 'Tier', 'starter')}
      ${input('id', 'Id begins with', '0197b1c2-7a')} ${input('batch', 'Batch', 'its id')}
      ${time('after', 'Accepted since (UTC)')} ${time('before', 'Accepted before (UTC)')}
      ${choice('retried', 'Retried', [
        ['true', 'yes'],
        ['false', 'no'],
      ])}
      <button type="submit">Show</button>
    </form>
  </details>`;
}
