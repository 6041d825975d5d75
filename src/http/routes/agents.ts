import { z } from 'zod';
import { CodedError } from '../../kernel/errors.ts';
import { ServiceClient } from '../../kernel/service-client.ts';
import { readBody } from '../body.ts';
import { originOf } from '../make-link.ts';
import { bearerOf } from '../middleware/authenticate.ts';
import { aboutOf, type AppContext, type AppDeps } from '../route.ts';

/** A message of the protocol, or several. */
const message = z.union([z.looseObject({ jsonrpc: z.literal('2.0') }), z.array(z.unknown()).max(50)], {
  error: 'allowed: a message of the Model Context Protocol',
});

/** Answers an agent. Its tools call this service, with the agent's own key: they may do what that key may. */
export async function answerAgent(c: AppContext, { events, ownUrl, publicUrl, version }: AppDeps): Promise<Response> {
  const { raw, method } = c.req;
  if (method !== 'POST')
    throw new CodedError('method_not_allowed', `${method} is not allowed here; allowed: POST`, {
      headers: { Allow: 'POST' },
    });
  const body = await readBody(c, message);
  const client = new ServiceClient(ownUrl(), bearerOf(c) ?? '');
  const request = new Request(raw.url, { method, headers: raw.headers, signal: raw.signal });
  const onError = (error: Error) => events.requestCrashed(aboutOf(c), error);
  const { serveHttp } = await import('../../mcp/serve-http.ts'); // large, and most processes are never asked
  return serveHttp(request, body, { client, version, origin: publicUrl ?? originOf(c), onError });
}
