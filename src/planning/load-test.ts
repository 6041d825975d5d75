import { messageOf, OperatorError } from '../kernel/errors.ts';
import { createReport } from './create-report.ts';
import { HttpClient } from './http-client.ts';
import type { LoadPlan } from './load-plan.ts';
import type { LoadReport } from './load-report.ts';
import { type LoadProgress, LoadRun } from './load-run.ts';
import type { TestUsers } from './test-users.ts';

const GREETING_MS = 10_000;
/** For what is not load. */
const DESK_CONNECTIONS = 8;

interface LoadTestOptions {
  plan: LoadPlan;
  /** of the users' addresses */
  run: string;
  /** made when the service is known to be there, with a client that outlives the load */
  users: (client: HttpClient) => Promise<TestUsers>;
  /** ends the load; there is a report all the same */
  signal: AbortSignal;
  /** ends what comes after the load, too: keys that are not revoked yet are left to their expiry */
  forceStop: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}

/**
 * Puts a load on a running service, and says how it did. The load is open: a PDF is asked for when
 * the plan says so, however many are under way, and its time counts from then, so a service that
 * stalls cannot slow its own examination down.
 * @returns undefined if it was ended before the load began
 * @throws OperatorError if the service is not there or does not take the key
 */
export async function runLoadTest(options: LoadTestOptions): Promise<LoadReport | undefined> {
  const { plan, run, forceStop, signal, onProgress } = options;
  const desk = new HttpClient(plan.url, { connections: DESK_CONNECTIONS });
  forceStop.addEventListener('abort', () => desk.close());
  try {
    await greet(desk, plan.url);
    const { users, remove } = await options.users(desk);
    let keysLeft = 0;
    const load = new LoadRun({ plan, users, desk, signal, onProgress });
    try {
      if (!signal.aborted) await load.run();
    } finally {
      keysLeft = await remove();
    }
    return load.facts && createReport(plan, load.recorder, { ...load.facts, run, keysLeft });
  } finally {
    desk.close();
  }
}

async function greet(client: HttpClient, url: string): Promise<void> {
  const answer = await client.ask({ method: 'GET', path: '/livez', timeoutMs: GREETING_MS }).catch((error: unknown) => {
    throw new OperatorError(`There is no service at ${url}: ${messageOf(error)}. Start one, or correct --url.`, {
      cause: error,
    });
  });
  if (answer.status !== 200)
    throw new OperatorError(`What answers at ${url} is no pdfprompt: GET /livez says ${answer.status}. Correct --url.`);
}
