import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { limitOverridesSchema } from '../domain/limit-overrides.ts';
import { SHOWN_STATUSES } from '../domain/delivery-status.ts';
import { MESSAGE_TYPES } from '../domain/page-report.ts';
import { JOB_STATUSES } from '../domain/job.ts';
import { FILE_TYPES } from '../domain/media-type.ts';
import { prioritySchema } from '../domain/priority.ts';
import { scopeSchema } from '../domain/scope.ts';
import { type Examples, JOB_EXAMPLE } from './examples.ts';
import { wholeNumber } from './query.ts';

const instant = z.iso.datetime();

export const jobStatusSchema = z.enum(JOB_STATUSES).meta({ id: 'JobStatus' });
export const deliveryStatusSchema = z.enum(SHOWN_STATUSES).meta({ id: 'DeliveryStatus' });

/** Your own data, as it was sent. */
const metadataSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .meta({ id: 'Metadata' });

export const jobErrorSchema = z
  .object({
    code: z
      .string()
      .describe('As that of a problem. `invalid_request`: it was submitted in SQL, and its request is not valid'),
    message: z.string(),
  })
  .meta({ id: 'JobError' });

export const fileSchema = z
  .object({
    id: z.uuid(),
    size: z.int().meta({ description: 'Bytes' }),
    pages: z.int().meta({ description: 'Of a picture 1' }),
    type: z.enum(FILE_TYPES).meta({ description: 'Media type' }),
    name: z.string().nullable().meta({ description: 'Its own, by `filename` of its part; null: that of the job' }),
    part: z.int().nullable().meta({ description: 'With `split.parts` which part it is of, from 0; otherwise null' }),
    sha256: z.string(),
    url: z.string().nullable().meta({ description: 'null if the PDF has expired or its store cannot be reached' }),
    expiresAt: instant.meta({ description: 'The PDF is kept until then' }),
  })
  .meta({ id: 'File' });

export const jobSchema = z
  .object({
    id: z.uuid(),
    status: jobStatusSchema,
    priority: prioritySchema,
    attempts: z.int(),
    createdAt: instant,
    runAt: instant.nullable().meta({ description: 'When it is printed, if the request says so' }),
    startedAt: instant.nullable(),
    completedAt: instant.nullable(),
    queuePosition: z
      .int()
      .nullable()
      .meta({ description: '1 is next, 100 means 100 or more; null unless queued, or while it is paused' }),
    paused: z
      .boolean()
      .meta({ description: 'Whether operators of the service let it wait: it is printed when they end the pause' }),
    timings: z
      .object({
        queued: z.number(),
        total: z.number(),
        page: z.number().optional(),
        load: z.number().optional(),
        wait: z.number().optional(),
        print: z.number().optional(),
        finishing: z.number().optional(),
      })
      .meta({ id: 'Timings' })
      .nullable()
      .meta({ description: 'Milliseconds' }),
    error: jobErrorSchema.nullable(),
    file: fileSchema.nullable().meta({ description: 'The first of its files' }),
    failedResources: z
      .array(z.object({ url: z.string(), reason: z.string() }).meta({ id: 'FailedResource' }))
      .meta({ description: 'The first 20 resources that did not load; the document was printed without them' }),
    failedResourceCount: z.int().meta({ description: 'The number of all resources that did not load' }),
    missingFonts: z.array(z.string()).meta({
      description:
        'The first 20 font families that the document asked for first and did not get: it was printed in the next ones of its lists',
    }),
    incomplete: z.array(z.string()).meta({
      description: 'What was not waited for any longer, with `bestAttempt`; empty if the document is complete',
    }),
    metadata: metadataSchema,
    templates: z.array(z.string()).meta({ description: 'The versions of templates that it prints: `invoice@7`' }),
    upload: z
      .object({
        status: deliveryStatusSchema,
        attempts: z.int(),
        error: z.string().nullable().meta({ description: 'Why the last attempt failed' }),
      })
      .meta({ id: 'UploadState' })
      .nullable()
      .meta({ description: 'What became of the upload; null if none was asked for' }),
    batch: z
      .object({ id: z.uuid(), row: z.int().nullable().meta({ description: 'null: it merges the items' }) })
      .meta({ id: 'BatchOfJob' })
      .nullable()
      .meta({ description: 'The batch that it belongs to, and its row there' }),
    retryOf: z.uuid().nullable().meta({ description: 'The job that it is a retry of' }),
  })
  .meta({ id: 'Job', examples: [JOB_EXAMPLE] });

const consoleMessageSchema = z
  .object({
    type: z
      .enum(MESSAGE_TYPES)
      .meta({ id: 'ConsoleMessageType', description: '`exception`: an error that no script catches' }),
    text: z.string(),
    at: z.string().nullable().meta({ description: 'Address, line and column, such as `app.js:12:5`; null: not known' }),
    times: z.int().meta({ description: 'How often it came in a row' }),
  })
  .meta({ id: 'ConsoleMessage' });

export const jobDetailsSchema = jobSchema
  .extend({
    retriedAs: z.array(z.uuid()).meta({ description: 'Its retries, oldest first: at most 20' }),
    consoleMessages: z.array(consoleMessageSchema).meta({
      description:
        'What its pages said in the console of the browser: at most 100 messages, errors before others, kept as long as the document or the PDF',
    }),
    consoleMessageCount: z.int().meta({ description: 'The number of all messages' }),
    failurePicture: z
      .string()
      .nullable()
      .meta({ description: 'The path of a picture of the page that failed, kept as long as the document; null: none' }),
  })
  .meta({
    id: 'JobDetails',
    examples: [{ ...JOB_EXAMPLE, retriedAs: [], consoleMessages: [], consoleMessageCount: 0, failurePicture: null }],
  });

const userOfJob = z.object({ id: z.uuid(), email: z.string() }).meta({ id: 'UserOfJob' });

/** A job of anybody, in a list. */
export const foundJobSchema = jobSchema
  .pick({
    id: true,
    status: true,
    priority: true,
    attempts: true,
    createdAt: true,
    runAt: true,
    startedAt: true,
    completedAt: true,
    error: true,
  }) // prettier-ignore
  .extend({
    user: userOfJob,
    tier: z.string().meta({ description: 'That of its user when it was accepted; empty: not recorded' }),
    filename: z.string().nullable(),
    pages: z.int().nullable().meta({ description: 'Of all its files; null without one' }),
  })
  .meta({ id: 'FoundJob', examples: [] });

/** A job of anybody. */
export const anybodysJobSchema = jobSchema.extend({ user: userOfJob }).meta({ id: 'AnybodysJob', examples: [] });

export const assetSchema = z
  .object({
    id: z.string().meta({ description: 'SHA-256 of the bytes, in lower-case hex' }),
    size: z.int().meta({ description: 'Bytes' }),
    type: z.string().meta({ description: 'Media type' }),
  })
  .meta({ id: 'Asset' });

const templateVersionSchema = z
  .object({
    name: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'TemplateVersion' });

export const templateResponseSchema = templateVersionSchema
  .extend({
    request: z.record(z.string(), z.unknown()).meta({ description: 'Print settings, under those of a request' }),
    files: z.record(z.string(), assetSchema).meta({ description: 'By their paths; `id` is that of the asset' }),
  })
  .meta({ id: 'Template' });

export const templateParams = z.object({
  name: z.string().meta({ description: 'The template’s name; to read one, also with a version: `invoice@7`' }),
});

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
    tier: z.string().nullable().meta({ description: 'null: without a subscription no key works' }),
    limits: limitOverridesSchema,
    createdAt: instant,
  })
  .meta({ id: 'User' });

const common = {
  id: z.uuid(),
  user: z.string().meta({ description: "The user's email" }),
  userId: z.uuid(),
  tier: z.string().nullable().meta({ description: "The user's" }),
  scopes: z.array(scopeSchema),
  expiresAt: instant.nullable(),
};

export const keySchema = z
  .object({
    ...common,
    prefix: z.string().meta({ description: 'The first characters of the key: the rest is not stored' }),
    createdAt: instant,
    lastUsedAt: instant.nullable(),
    revokedAt: instant.nullable(),
    replaces: z.uuid().nullable().meta({ description: 'The key that this one replaced' }),
  })
  .meta({ id: 'Key' });

export const createdKeySchema = z
  .object({ ...common, key: z.string().meta({ description: 'Shown once' }) })
  .meta({ id: 'CreatedKey' });

export const rotatedKeySchema = createdKeySchema
  .extend({
    replaces: z.uuid().meta({ description: 'The old key' }),
    replacedExpiresAt: instant.meta({ description: 'The old key is valid until then' }),
  })
  .meta({ id: 'RotatedKey' });

/** The query of every list. */
export const pageQuery = z.strictObject({
  limit: wholeNumber({ min: 1, max: 100, fallback: 20 }),
  cursor: z.uuid('allowed: the nextCursor of the page before').optional(),
});

/** The answer of every list. The page of `Job` is named `JobPage`. */
export const pageOf = (item: z.ZodType) =>
  z
    .object({
      data: z.array(item),
      nextCursor: z.string().nullable().meta({ description: '`cursor` of the next page; null: that was all' }),
    })
    .meta({ id: `${item.meta()?.id}Page` });

/** The answer of a list that is never long. The list of `File` is named `FileList`. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item) }).meta({ id: `${item.meta()?.id}List` });

export const templateVersionPage = pageOf(templateVersionSchema);

export const jsonResponse = (description: string, schema: z.ZodType): ZodOpenApiResponseObject => ({
  description,
  content: { 'application/json': { schema } },
});

export const jobResponse = (description: string) => jsonResponse(description, jobSchema);

/** Headers of answers, described once. */
export const LOCATION = { Location: z.string().meta({ description: 'The path of what was made' }) };
export const ETAG = { ETag: z.string().meta({ description: 'Names these bytes, for `If-None-Match`' }) };
export const JOB_ID = { 'X-Job-Id': z.uuid().meta({ description: 'The job of this request' }) };

/** A response that also has these headers. */
export const withHeaders = (
  response: ZodOpenApiResponseObject,
  headers: Record<string, z.ZodType>,
): ZodOpenApiResponseObject => ({
  ...response,
  headers: z.object({ ...(response.headers instanceof z.ZodObject && response.headers.shape), ...headers }),
});

/** The answer to a request that made a job, now or before. */
export const acceptedResponse = (description: string) => withHeaders(jobResponse(description), LOCATION);

export const jsonBody = (
  schema: z.ZodType,
  { required = true, examples }: { required?: boolean; examples?: Examples } = {},
) => ({
  required,
  content: { 'application/json': { schema, ...(examples && { examples }) } },
});

/** A JSON body that may also come in a form with files, or be a zip of files. */
export const jsonOrFiles = (schema: z.ZodType, examples?: Examples) => ({
  required: true,
  content: {
    'application/json': { schema, ...(examples && { examples }) },
    'multipart/form-data': {
      schema: z
        .looseObject({ request: schema.optional(), files: z.array(z.string().meta({ format: 'binary' })).optional() })
        .describe(
          'The field `request` is the JSON, by default `{}`. Every other part is a file: its filename is its path if that has folders, or if the part is named `file` or `files`; otherwise the name of the part is. A `.zip` counts as its files, without the one folder that all are in',
        )
        .meta({ id: `${schema.meta()?.id}Form` }),
    },
    'application/zip': {
      schema: { type: 'string' as const, format: 'binary', description: 'As a form with this zip as its only part' },
    },
  },
});

/** The parameter of a path with `{id}`. @param what whose id it is */
export const idOf = (what: string) => z.object({ id: z.string().meta({ description: `The ${what}'s id` }) });
export const tierNameParams = z.object({ name: z.string().meta({ description: "The tier's name" }) });

/** Files are bytes, except what is JSON itself: that may be any. */
const BINARY = { type: 'string', format: 'binary' } as const;
const JSON_TYPE = 'application/json';

export const pdfResponse: ZodOpenApiResponseObject = {
  description: 'The PDF, or what else `output` asks for: a picture or HTML, always as a file to save',
  headers: z.object({
    ...ETAG,
    'X-Failed-Resources': z.int().meta({
      description: 'The number of resources that did not load. `failedResources` of the job lists them with reasons',
    }),
    'X-Incomplete': z.int().optional().meta({
      description:
        'Only if not everything was waited for, with `bestAttempt`: the number of entries in `incomplete` of the job',
    }),
  }),
  content: Object.fromEntries(FILE_TYPES.map((type) => [type, { schema: type === JSON_TYPE ? {} : BINARY }])),
};

/** By `Accept`: the first file, or all of them. */
export const pdfOrZipResponse: ZodOpenApiResponseObject = {
  ...pdfResponse,
  description: 'The PDF, or what else `output` asks for; with `Accept: application/zip` all files of the job',
  content: { ...pdfResponse.content, 'application/zip': { schema: BINARY } },
};

/** The answers of a request that waits for its job. */
export const waitedResponses = {
  200: withHeaders(pdfOrZipResponse, JOB_ID),
  202: withHeaders(acceptedResponse('Not done yet'), JOB_ID),
};
