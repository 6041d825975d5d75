import { createDocument, type ZodOpenApiPathsObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';
import { problemSchema } from './problem.ts';
import type { Operation } from './route.ts';
import { webhooks } from './sent-events.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

const BODY_PROBLEMS: ErrorCode[] = ['invalid_json', 'invalid_request', 'body_too_large', 'unsupported_media_type'];
const KEY_PROBLEMS: ErrorCode[] = ['unauthenticated', 'missing_scope', 'too_many_failures'];
const COMMON_PROBLEMS: ErrorCode[] = ['too_much_under_way', 'unavailable'];

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
    paths[path] = { ...paths[path], [method.toLowerCase()]: { ...operation, responses, security } };
  }
  return createDocument({
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
    paths,
    webhooks: webhooks(),
  });
}

/** The responses for these problems, by status. */
function problemResponses(codes: ErrorCode[]): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code].status);
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
