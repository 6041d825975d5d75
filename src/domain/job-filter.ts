import { z } from 'zod';
import { ERROR_CODES, type ErrorCode, JOB_ERROR_CODES } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { checkInput, checkedText, printable } from './check-input.ts';
import { isIdPrefix } from './id-prefix.ts';
import { JOB_STATUSES, type JobStatus } from './job.ts';
import { parseTemplateName, TEMPLATE_NAME_ALLOWED } from './template-name.ts';

/** Which jobs are meant: those that fit every field that is there. */
export interface JobFilter {
  status?: JobStatus | undefined;
  /** id of a user */
  user?: string | undefined;
  /** the beginning of the user's email, in lower case */
  email?: string | undefined;
  /** the beginning of the job's id, in lower case */
  id?: string | undefined;
  /** the beginning of the file's name */
  filename?: string | undefined;
  /** values by key; one that ends in `*` is the beginning of a value */
  metadata?: Record<string, string> | undefined;
  error?: ErrorCode | undefined;
  tier?: string | undefined;
  /** `invoice`, or `invoice@7` for one of its versions */
  template?: string | undefined;
  /** id of a batch */
  batch?: string | undefined;
  /** accepted then or later: a time in ISO 8601, UTC */
  after?: string | undefined;
  /** accepted earlier than that */
  before?: string | undefined;
  /** whether it was retried */
  retried?: boolean | undefined;
}

/** Entries of `metadata` in one filter. */
const MAX_ENTRIES = 3;
const METADATA = 'metadata.';
const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

const ID_ALLOWED = 'allowed: an id or its beginning, such as 0197b1c2-7a';
const TIME_ALLOWED = 'allowed: a date such as 2026-11-27, or a time such as 2026-11-27T12:00:00Z';

const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], TIME_ALLOWED)
  .refine((text) => Number(text.slice(0, 4)) >= 1970, TIME_ALLOWED)
  .transform((text) => new Date(text).toISOString());

const errorWords = (code: string) => {
  const near = nearest(code, CODES);
  return `allowed: ${JOB_ERROR_CODES.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`;
};

/** Fields of a filter of one's own jobs, as a query string has them, without those of `metadata`. */
export const OWN_JOB_FIELDS = {
  status: z.enum(JOB_STATUSES).optional().meta({ description: 'What has become of it' }),
  id: checkedText((text) => (isIdPrefix(text) ? undefined : ID_ALLOWED), 36)
    .transform((text) => text.toLowerCase())
    .optional()
    .meta({ description: 'The beginning of its id' }),
  filename: printable(500).min(1).optional().meta({ description: 'The beginning of its filename' }),
  error: checkedText((code) => (Object.hasOwn(ERROR_CODES, code) ? undefined : errorWords(code)), 100)
    .transform((code) => code as ErrorCode)
    .optional()
    .meta({ description: 'The code of the error that it failed with' }),
  template: checkedText((text) => (parseTemplateName(text) ? undefined : TEMPLATE_NAME_ALLOWED), 110)
    .optional()
    .meta({ description: 'The template that it prints, or one version of it as `invoice@7`' }),
  batch: z.uuid().optional().meta({ description: 'The id of its batch' }),
  after: instant.optional().meta({ description: 'Accepted then or later: a date (UTC), or a time with its offset' }),
  before: instant.optional().meta({ description: 'Accepted earlier than that' }),
  retried: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'Whether it was retried' }),
} as const;

/** Fields of a filter of everybody's jobs. */
export const JOB_FIELDS = {
  ...OWN_JOB_FIELDS,
  user: z.uuid().optional().meta({ description: 'The id of its user' }),
  email: printable(320)
    .min(1)
    .transform((text) => text.trim().toLowerCase())
    .optional()
    .meta({ description: 'The beginning of its user’s email' }),
  tier: printable(100).min(1).optional().meta({ description: 'The tier that its user had when it was accepted' }),
} as const;

const entries = z
  .record(z.string().min(1).max(100), printable(500).min(1))
  .refine((all) => Object.keys(all).length <= MAX_ENTRIES, `allowed: at most ${MAX_ENTRIES} entries`)
  .optional();

/**
 * A filter and what else is in the query string, from flat text fields: `{ status: 'failed', 'metadata.order': 'A-17' }`.
 * @param fields those of a filter that are allowed
 * @param others fields beside them
 * @throws CodedError `invalid_request` that names the field, what is allowed, and the nearest known name
 */
export function readJobQuery<T extends z.ZodRawShape>(
  query: Readonly<Record<string, string>>,
  fields: typeof OWN_JOB_FIELDS | typeof JOB_FIELDS,
  others: T,
): { filter: JobFilter; others: z.output<z.ZodObject<T>> } {
  const schema = z.strictObject({ ...fields, ...others, metadata: entries });
  const { ...checked } = checkInput(schema, nested(query)) as Record<string, unknown>;
  const isOther = (name: string) => Object.hasOwn(others, name);
  const pick = (isWanted: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(checked).filter(([name, value]) => value !== undefined && isWanted(name)));
  return {
    filter: pick((name) => !isOther(name)),
    others: pick(isOther) as z.output<z.ZodObject<T>>,
  };
}

/** A filter from flat text fields. @throws CodedError `invalid_request` */
export function readJobFilter(query: Readonly<Record<string, string>>): JobFilter {
  return readJobQuery(query, JOB_FIELDS, {}).filter;
}

/** The flat text fields of a filter, as {@link readJobFilter} reads them. */
export function jobFilterFields({ metadata, retried, ...rest }: JobFilter): Record<string, string> {
  const plain = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const keyed = Object.entries(metadata ?? {}).map(([key, value]) => [`${METADATA}${key}`, value]);
  return Object.fromEntries([...plain, ...keyed, ...(retried === undefined ? [] : [['retried', String(retried)]])]);
}

/** Whether a filter asks for anything. */
export function isFiltered(filter: JobFilter): boolean {
  return Object.keys(jobFilterFields(filter)).length > 0;
}

/** With the fields of `metadata` in an object of their own. A field that is named `metadata` itself is refused as text. */
function nested(query: Readonly<Record<string, string>>): Record<string, unknown> {
  const all = Object.entries(query);
  const keyed = all.filter(([name]) => name.startsWith(METADATA));
  const plain = all.filter(([name]) => !name.startsWith(METADATA));
  const metadata = Object.fromEntries(keyed.map(([name, value]) => [name.slice(METADATA.length), value]));
  return { ...Object.fromEntries(plain), ...(keyed.length > 0 && { metadata: { ...metadata } }) };
}
