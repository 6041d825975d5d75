import { z } from 'zod';
import { ERROR_CODES } from '../kernel/errors.ts';
import { checkedText } from './check-input.ts';
import { METHODS, targetFields } from './delivery-target.ts';

/** What a report may say in braces. */
const PLACEHOLDERS = ['status', 'code', 'message', 'job', 'timestamp'] as const;
const ALLOWED = `allowed in braces: ${PLACEHOLDERS.join(', ')}; {{ is a brace itself`;
const IN_BRACES = /\{\{|\{([^{}]*)\}/g;

/** Reports of one upload. */
export const MAX_REPORTS = 4;
const MAX_BODY = 8_192;
/** Names of fields that a report may have: each part of a request may have some. */
export const MAX_FIELDS = 2_000;

/** Why there is no file at its target, beside what a job can fail with; with an HTTP status for it. */
const UPLOAD_ERRORS = { upload_failed: 502, job_cancelled: 409 } as const;

/** What is said in a report. All but the job and the time are null if the upload was delivered. */
export interface ReportValues {
  /** HTTP's, for the error */
  status: number | null;
  code: string | null;
  message: string | null;
  /** id */
  job: string;
  /** ISO 8601 */
  timestamp: string;
}

const bodyField = z
  .record(z.string(), z.unknown())
  .superRefine((body, context) => {
    const text = JSON.stringify(body);
    if (text.length > MAX_BODY) return context.addIssue({ code: 'custom', message: `allowed: at most ${MAX_BODY} characters of JSON` }); // prettier-ignore
    const unknown = textsOf(body)
      .flatMap((each) => [...each.matchAll(IN_BRACES)])
      .find(([, name]) => name !== undefined && !isPlaceholder(name));
    if (unknown) context.addIssue({ code: 'custom', message: `${unknown[0]} stands for nothing; ${ALLOWED}` });
  })
  .meta({
    description: `The JSON that is sent. In its texts ${PLACEHOLDERS.map((name) => `\`{${name}}\``).join(', ')} are replaced; a text that is nothing else becomes a number or null if it stands for one. \`{{\` is a brace`,
    example: { order: 4711, status: '{status}', message: '{message}' },
  });

const statusKey = checkedText((text) =>
  text in ERROR_CODES || text in UPLOAD_ERRORS ? undefined : 'allowed: the code of an error',
);

/** One of `upload.reports`: a message that says how the upload has ended. */
export const reportField = z
  .strictObject({
    on: z
      .enum(['delivered', 'failed'])
      .describe('`failed`: there is no file, or it could not be delivered by any attempt'),
    ...targetFields,
    method: z.enum(METHODS).optional().describe('Default: POST'),
    body: bodyField,
    statuses: z
      .record(statusKey, z.int().min(100).max(599))
      .optional()
      .describe('What `{status}` is for an error, by its code, where it shall not be our own'),
    fields: z
      .record(z.string().max(500), z.string().max(500))
      .refine((all) => Object.keys(all).length <= MAX_FIELDS, `allowed: at most ${MAX_FIELDS} fields`)
      .optional()
      .describe(
        'What your caller calls fields of this request, by their paths: for a `{message}` that begins with one',
      ),
  })
  .meta({ id: 'UploadReport' });
export type Report = z.output<typeof reportField>;

/** The status that `{status}` stands for. */
export function statusOfReport(code: string, statuses: Report['statuses'] = {}): number {
  const own = (UPLOAD_ERRORS as Record<string, number>)[code] ?? (ERROR_CODES as Record<string, { status: number }>)[code]?.status; // prettier-ignore
  return statuses[code] ?? own ?? ERROR_CODES.job_failed.status;
}

/** The body with its placeholders replaced. Braces around anything else stay. */
export function fillReport(body: unknown, values: ReportValues): unknown {
  if (typeof body === 'string') {
    const [whole, only] = /^\{([a-z]+)\}$/.exec(body) ?? [];
    if (whole !== undefined && isPlaceholder(only)) return values[only];
    return body.replaceAll(IN_BRACES, (found, name?: string) =>
      found === '{{' ? '{' : isPlaceholder(name) ? String(values[name] ?? '') : found,
    );
  }
  if (Array.isArray(body)) return body.map((each) => fillReport(each, values));
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, fillReport(value, values)]));
}

const isPlaceholder = (name: string | undefined): name is keyof ReportValues =>
  (PLACEHOLDERS as readonly (string | undefined)[]).includes(name);

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
