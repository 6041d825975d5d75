import { jobFilterFields, type JobFilter, readJobFilter } from './job-filter.ts';
import { CodedError } from '../kernel/errors.ts';
import { type JobStatus, UNDER_WAY } from './job.ts';

/** What an operator does to all jobs of a filter: `replay` sends again what could not be delivered of them. */
export const BULK_ACTIONS = ['cancel', 'retry', 'replay'] as const;
export type BulkActionName = (typeof BULK_ACTIONS)[number];

export const BULK_STATUSES = ['running', 'completed', 'stopped'] as const;
export type BulkActionStatus = (typeof BULK_STATUSES)[number];

/** What became of each job that was looked at, in words for people. */
export const BULK_RESULTS = {
  cancelled: 'cancelled',
  ended: 'had ended already',
  retried: 'retried',
  alreadyRetried: 'had been retried already',
  notEnded: 'had not failed, nor been cancelled',
  notRetryable: 'not possible: the document is no longer kept, or is no longer valid',
  overLimit: 'over the limit of the user',
  noSubscription: 'the user has no subscription',
  sentAgain: 'sent again',
  nothingFailed: 'nothing of it had failed to be delivered',
  failed: 'the service could not do it; the log says why',
} as const;
export type BulkResult = keyof typeof BULK_RESULTS;

const RETRYABLE: readonly JobStatus[] = ['failed', 'cancelled'];

/** Statuses that make sense for an action. */
const STATUSES: Record<BulkActionName, readonly JobStatus[] | undefined> = {
  cancel: UNDER_WAY,
  retry: RETRYABLE,
  replay: undefined,
};

/**
 * The filter of an action from flat text fields.
 * @throws CodedError `invalid_request` if it asks for nothing, or for jobs to which the action cannot be done
 */
export function readBulkFilter(action: BulkActionName, fields: Readonly<Record<string, string>>): JobFilter {
  const filter = readJobFilter(fields);
  if (Object.keys(jobFilterFields(filter)).length === 0)
    throw refused('filter', 'allowed: at least one field; without one it would be every job there is');
  const allowed = STATUSES[action];
  if (allowed && filter.status !== undefined && !allowed.includes(filter.status))
    throw refused('filter.status', `allowed to ${action}: ${allowed.join(', ')}`);
  return filter;
}

function refused(field: string, message: string): CodedError {
  return new CodedError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}
