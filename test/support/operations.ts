import { z } from 'zod';
import { operationsOf } from '../../src/http/app.ts';
import type { AppDeps } from '../../src/http/route.ts';

/** Every operation that takes JSON, with its schema. No service is needed: nothing is called. */
export function schemasOfBodies(): { endpoint: string; schema: z.ZodType }[] {
  const operations = operationsOf({ compat: { services: [] } } as unknown as AppDeps);
  return operations.flatMap(({ endpoint, requestBody }) => {
    const content = requestBody && 'content' in requestBody ? requestBody.content : {};
    const { schema } = content['application/json'] ?? {};
    return schema instanceof z.ZodType ? [{ endpoint, schema }] : [];
  });
}

/** Every operation with a query, with its schema. */
export function schemasOfQueries(): { endpoint: string; schema: z.ZodType }[] {
  const operations = operationsOf({ compat: { services: [] } } as unknown as AppDeps);
  return operations.flatMap(({ endpoint, requestParams }) => {
    const { query } = requestParams ?? {};
    return query instanceof z.ZodType ? [{ endpoint, schema: query }] : [];
  });
}
