import { createMcpHandler } from '@modelcontextprotocol/server';
import type { ServiceClient } from '../kernel/service-client.ts';
import { createMcpServer } from './server.ts';

/**
 * Answers one request of an agent over HTTP (streamable, without sessions: every request stands alone, so any process can
 * answer it).
 * @param body parsed JSON of it
 */
export async function serveHttp(
  request: Request,
  body: unknown,
  { onError, ...options }: { client: ServiceClient; version: string; origin: string; onError: (error: Error) => void },
): Promise<Response> {
  const handler = createMcpHandler(() => createMcpServer(options), { onerror: onError });
  return handler.fetch(request, { parsedBody: body });
}
