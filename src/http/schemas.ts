import { z } from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { JOB_STATUSES } from '../domain/job.ts';
import { PRIORITY_NAMES } from '../domain/priority.ts';
import { ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';
import { problemSchema } from './problem.ts';

const instant = z.iso.datetime();

export const jobSchema = z
  .object({
    id: z.uuid(),
    status: z.enum(JOB_STATUSES),
    priority: z.enum(PRIORITY_NAMES),
    attempts: z.int(),
    createdAt: instant,
    startedAt: instant.nullable(),
    completedAt: instant.nullable(),
    queuePosition: z.int().nullable().meta({ description: '1 is next, 100 means 100 or more; null unless queued' }),
    timings: z
      .object({
        queued: z.number(),
        total: z.number(),
        page: z.number().optional(),
        load: z.number().optional(),
        wait: z.number().optional(),
        print: z.number().optional(),
      })
      .nullable()
      .meta({ description: 'Milliseconds' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    file: z
      .object({
        id: z.uuid(),
        size: z.int().meta({ description: 'Bytes' }),
        pages: z.int(),
        sha256: z.string(),
        url: z
          .string()
          .nullable()
          .meta({ description: 'null once the PDF has expired, and while it cannot be reached' }),
        expiresAt: instant.meta({ description: 'Until then the PDF is kept' }),
      })
      .nullable(),
    failedResources: z
      .array(z.object({ url: z.string(), reason: z.string() }))
      .meta({ description: 'What did not load, the first 20; the document was printed without it' }),
    failedResourceCount: z.int().meta({ description: 'All that did not load' }),
    metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'Job' });

export const jobIdParams = z.object({ id: z.string().meta({ description: "The job's id" }) });

export const jobResponse = (description: string): ZodOpenApiResponseObject => ({
  description,
  content: { 'application/json': { schema: jobSchema } },
});

export const pdfResponse: ZodOpenApiResponseObject = {
  description: 'The PDF',
  headers: z.object({
    'X-Failed-Resources': z.int().meta({
      description: 'How many resources did not load; 0 if all did. `failedResources` of the job says which, and why',
    }),
  }),
  content: { 'application/pdf': { schema: { type: 'string', format: 'binary' } } },
};

/** What every route that takes a body can answer. */
export const bodyProblems = [
  'invalid_json',
  'invalid_request',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies ErrorCode[];

/** The problems a route can answer with, by status. Every route behind a key can answer 401, 403, 429 and 503. */
export function problems(...codes: ErrorCode[]): ZodOpenApiResponsesObject {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [
    ...codes,
    'unauthenticated',
    'missing_scope',
    'too_much_under_way',
    'too_many_failures',
    'unavailable',
  ] as ErrorCode[]) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.map((code) => `\`${code}\``).join(', '),
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  );
}
