import { createDocument, type CreateDocumentOptions, type ZodOpenApiPathsObject, type ZodOpenApiResponsesObject } from 'zod-openapi'; // prettier-ignore
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';
import { problemSchema } from './problem.ts';
import type { Operation } from './route.ts';
import { JOB_ID, withHeaders } from './schemas.ts';
import { webhooks } from './sent-events.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

const BODY_PROBLEMS: ErrorCode[] = ['invalid_json', 'invalid_request', 'body_too_large', 'unsupported_media_type'];
const KEY_PROBLEMS: ErrorCode[] = ['unauthenticated', 'missing_scope', 'too_many_failures'];
const COMMON_PROBLEMS: ErrorCode[] = ['too_much_under_way', 'unavailable'];

/** What the operations are about, by the segment of their paths after `/v1/`. */
const TAGS: Record<string, { name: string; description: string }> = {
  pdf: { name: 'jobs', description: 'Documents that become PDFs or pictures' },
  jobs: { name: 'jobs', description: 'Documents that become PDFs or pictures' },
  batches: { name: 'batches', description: 'Many documents by one request' },
  links: { name: 'links', description: 'URLs of files that work without a key' },
  events: { name: 'events', description: 'What happens, as it happens' },
  templates: { name: 'templates', description: 'Documents that data is filled into' },
  assets: { name: 'assets', description: 'Files that documents need' },
  schedules: { name: 'schedules', description: 'Requests that become jobs at the times of a clock' },
  webhooks: { name: 'webhooks', description: 'Endpoints of yours that receive what happens' },
  usage: { name: 'usage', description: 'What is used, and what is left' },
  admin: { name: 'admin', description: 'For operators: users, keys, tiers, the queue' },
};

/** The tag of a path such as `/v1/jobs/{id}/link`. */
function tagOf(path: string): string {
  const [, , segment = '', , verb] = path.split('/');
  const tag = TAGS[segment === 'jobs' && verb?.startsWith('link') ? 'links' : segment];
  if (!tag) throw new Error(`${path} has no tag: openapi.ts lists them`);
  return tag.name;
}

/** Without what only the checks need: it says nothing to a reader, and generators of clients trip over it. */
const plainSchema: CreateDocumentOptions['override'] = ({ jsonSchema, io }) => {
  const [form, none, ...more] = jsonSchema.anyOf ?? [];
  if (form?.type === 'string' && form.format !== undefined && none?.type === 'null' && more.length === 0) {
    delete jsonSchema.anyOf;
    Object.assign(jsonSchema, form, { type: ['string', 'null'] });
  }
  // `format` says it.
  if (['uuid', 'date', 'date-time'].includes(jsonSchema.format ?? '')) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.allOf?.every((each) => Object.keys(each).join() === 'pattern')) delete jsonSchema.allOf;
  // Names are strings in any JSON.
  if (Object.entries(jsonSchema.propertyNames ?? {}).join() === 'type,string') delete jsonSchema.propertyNames;
  // Answers may have more members one day: a client must not refuse them.
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
};

/** OpenAPI 3.1, from the schemas that check the requests. */
export function openApiDocument(operations: Operation[], version: string): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const { endpoint, scope, handle: _, problems: own = [], ...operation } of operations) {
    const [method = '', path = ''] = endpoint.split(' ');
    const ofKey = scope === null ? [] : KEY_PROBLEMS;
    const problems = [...(operation.requestBody ? BODY_PROBLEMS : []), ...own, ...ofKey, ...COMMON_PROBLEMS];
    const responses = { ...operation.responses, ...problemResponses(problems) };
    // OpenAPI 3.1: for a bearer scheme this list holds the required roles.
    const security = scope === null ? [] : [{ key: [scope] }];
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: { tags: [tagOf(path)], ...operation, responses, security },
    };
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'pdfprompt',
        version,
        description: 'PDFs as a durable queue: send HTML or a URL, get a PDF.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      security: [{ key: [] }],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'A key from `pdfprompt keys create`; each operation names the scope that it needs',
          },
        },
      },
      tags: [...new Map(Object.values(TAGS).map((tag) => [tag.name, tag])).values()],
      paths,
      webhooks: webhooks(),
    },
    { override: plainSchema },
  );
}

/** Statuses with `Retry-After`, if it is known when the same request may succeed. */
const PASSING = new Set([429, 503]);
/** Statuses of what a job failed with. */
const OF_JOB = new Set([422, 500]);

/** The responses for these problems, by status. */
function problemResponses(codes: ErrorCode[]): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code].status);
  const waitsForJob = codes.includes('job_failed');
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => {
      const response = {
        description: list.map((code) => `\`${code}\``).join(', '),
        content: { 'application/problem+json': { schema: problemSchema } },
      };
      const headers = {
        ...(PASSING.has(status) && { 'Retry-After': z.int().optional().meta({ description: 'Seconds' }) }),
        ...(waitsForJob && OF_JOB.has(status) && { 'X-Job-Id': JOB_ID['X-Job-Id'].optional() }),
      };
      return [status, Object.keys(headers).length === 0 ? response : withHeaders(response, headers)];
    }),
  );
}
