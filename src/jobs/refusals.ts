import type { Limiter, TierUse } from '../accounts/limits.ts';
import { refused } from '../accounts/principals.ts';
import { postgresErrorOf } from '../db/pools.ts';
import { fieldWithin } from '../domain/field-path.ts';
import { CodedError, type FieldProblem, invalidFields } from '../kernel/errors.ts';
import { assetsRefusalOf } from '../templates/put-template.ts';

/** Errors of the functions in the database that accept jobs, batches and runs of schedules, beside those of assets. */
const LIMIT_REACHED = 'PDF01';
const USER_GONE = 'PDF03';
const NO_TEMPLATE = 'PDF06';
const NO_WEBHOOK = 'PDF07';
const NOT_VALID = 'PDF09';

/**
 * What a statement that accepts jobs was refused for: a LimitReached, or another error whose fields are those of a request;
 * undefined if it is no refusal.
 */
export function refusalOf(
  error: unknown,
  { limiter, userId }: { limiter: Limiter; userId: string },
): CodedError | undefined {
  const { code, detail = '', message = '' } = postgresErrorOf(error) ?? {};
  if (code === LIMIT_REACHED) return limiter.refuse(userId, JSON.parse(detail) as TierUse);
  if (code === USER_GONE) return refused(); // erased after the key was checked
  if (code === NOT_VALID)
    return invalidFields([detail ? { field: 'runAt', message: detail } : fieldAndMessage(message)]);
  return partRefusalOf(error);
}

/** `data: it is not an object` */
function fieldAndMessage(text: string): FieldProblem {
  const [field = '', ...rest] = text.split(': ');
  return { field, message: rest.join(': ') };
}

/** The same of a statement that only writes parts and deliveries: what they refer to is gone. */
export function partRefusalOf(error: unknown): CodedError | undefined {
  const { code } = postgresErrorOf(error) ?? {};
  if (code === NO_WEBHOOK) return noSuchEndpoint();
  if (code === NO_TEMPLATE) return invalidFields([{ field: 'template', message: 'it was just deleted' }]);
  return assetsRefusalOf(error);
}

export const noSuchEndpoint = () =>
  invalidFields([
    { field: 'webhook', message: 'there is no such endpoint; allowed: a URL, or the id of one of yours' },
  ]);

/** For a request that is within another one, as its `request`: an error that names fields names them there. Others stay. */
export const ofRequest = (error: unknown): unknown =>
  error instanceof CodedError && error.code === 'invalid_request' && error.fields
    ? invalidFields(error.fields.map(withinRequest))
    : error;

/** A field of such a request. */
export const withinRequest = ({ field, message }: FieldProblem): FieldProblem => ({
  field: fieldWithin('request', field),
  message,
});
