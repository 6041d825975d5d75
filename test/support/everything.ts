import { Agent, request as httpRequest } from 'node:http';
import { afterAll } from 'vitest';
import type { Tenant } from './tenants.ts';

export const SMALL_BODY = JSON.stringify({ html: '<p>x</p>' });
export const LARGE_BODY = JSON.stringify({ html: 'x'.repeat(2_000_000) });

/** Sends a request on a connection that nobody waits for. @returns the status @throws if there is no answer */
export type Ask = (
  method: string,
  path: string,
  key: string,
  body?: string,
  headers?: Record<string, string>,
) => Promise<number>;

/** As many connections as there are requests at a time. */
export function openAsk(address: string): Ask {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  afterAll(() => agent.destroy());
  return (method, path, key, body, more = {}) =>
    new Promise((done, failed) => {
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const headers = { authorization: `Bearer ${key}`, ...type, ...more };
      const sent = httpRequest(`${address}${path}`, { agent, method, headers }, (response) =>
        response.resume().once('end', () => done(response.statusCode ?? 0)),
      );
      sent.once('error', failed).end(body);
    });
}

/** Whatever a tenant may ask for, by name. */
export const everythingOf = (ask: Ask, { key, jobs }: Tenant): Record<string, () => Promise<number>> => ({
  'a submission': () => ask('POST', '/v1/jobs', key, SMALL_BODY),
  'a large submission': () => ask('POST', '/v1/jobs', key, LARGE_BODY),
  'a repeated submission': () => ask('POST', '/v1/jobs', key, SMALL_BODY, { 'idempotency-key': 'again' }),
  'a PDF to wait for': () => ask('POST', '/v1/pdf', key, SMALL_BODY, { prefer: 'wait=0' }),
  'a retry': () => ask('POST', `/v1/jobs/${jobs.failed}/retry`, key),
  'a cancellation': () => ask('DELETE', `/v1/jobs/${jobs.cancelled}`, key),
  'a job': () => ask('GET', `/v1/jobs/${jobs.queued}?wait=0`, key),
  'an ended job': () => ask('GET', `/v1/jobs/${jobs.completed}`, key),
  'a list': () => ask('GET', '/v1/jobs?limit=100', key),
  'a list of batches': () => ask('GET', '/v1/batches?limit=100', key),
  'the usage': () => ask('GET', '/v1/usage', key),
  'a download': () => ask('GET', `/v1/jobs/${jobs.completed}/pdf`, key),
});

/** Asks for all of it, one after the other. @returns what was refused, with its status */
export async function refusedOf(ask: Ask, tenant: Tenant): Promise<[string, number][]> {
  const refused: [string, number][] = [];
  for (const [what, once] of Object.entries(everythingOf(ask, tenant))) {
    const status = await once();
    if (status >= 300) refused.push([what, status]);
  }
  return refused;
}
