import type { Agent } from 'node:http';
import { ask } from './stage.ts';

/** What a user of the service does. */
export const ROUTES = ['submit', 'poll', 'list', 'usage'] as const;
export type RouteName = (typeof ROUTES)[number];

/** How often each is done, of a hundred. */
const MIX: Record<RouteName, number> = { submit: 10, poll: 60, list: 15, usage: 15 };

/** One who has a key, and asks for documents and what became of them. */
export interface Tenant {
  key: string;
  /** the job sent last */
  jobId: string | undefined;
}

const BODY = Buffer.from(JSON.stringify({ html: '<h1>Hello</h1>' }));

export function pickRoute(): RouteName {
  let at = Math.random() * 100;
  for (const route of ROUTES) {
    at -= MIX[route];
    if (at < 0) return route;
  }
  return 'poll';
}

/** Does one thing. @returns milliseconds it took @throws if the answer is not what it should be */
export async function act(agent: Agent, address: string, tenant: Tenant, route: RouteName): Promise<number> {
  const startedAt = performance.now();
  if (route === 'submit' || (route === 'poll' && tenant.jobId === undefined)) {
    const { id } = JSON.parse(await ask(agent, 'POST', `${address}/v1/jobs`, tenant.key, BODY)) as { id: string };
    tenant.jobId = id;
  } else if (route === 'poll') await ask(agent, 'GET', `${address}/v1/jobs/${tenant.jobId}`, tenant.key);
  else await ask(agent, 'GET', `${address}/v1/${route === 'list' ? 'jobs' : 'usage'}`, tenant.key);
  return performance.now() - startedAt;
}
