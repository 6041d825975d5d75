import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi';
import type { Route } from './route.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

/** OpenAPI 3.1, from the schemas that check the requests. */
export function openApiDocument(routes: Route[], version: string): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const { method, path, scope, operation } of routes) {
    // OpenAPI 3.1: for a bearer scheme this list holds the required roles.
    const security = scope && [{ key: [scope] }];
    if (operation) paths[path] = { ...paths[path], [method]: { ...operation, ...(security && { security }) } };
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
  });
}
