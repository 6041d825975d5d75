import { messageOf, OperatorError } from '../kernel/errors.ts';
import { HttpClient } from './http-client.ts';
import type { LoadPlan } from './load-plan.ts';
import { createReport, type LoadReport } from './load-report.ts';
import { runLoad } from './load-run.ts';
import type { TestUsers } from './test-users.ts';

const FIRST_RESPONSE_MS = 10_000;
const CONTROL_CONNECTIONS = 8;

interface LoadTestOptions {
  plan: LoadPlan;
  /** part of the users' addresses */
  run: string;
  /** called once the service has responded, with a client that stays open after the load */
  users: (client: HttpClient) => Promise<TestUsers>;
  /** ends the load early; there is still a report */
  signal: AbortSignal;
  /** ends the clean-up as well: keys not yet revoked are left to expire */
  forceStop: AbortSignal;
  /** called every second with a line for people */
  onProgress: (line: string) => void;
}

/**
 * Puts a load on a running service and reports how it did. The load is open: each PDF is requested at its scheduled
 * time, however many are under way, and its time counts from then, so a slow service does not reduce its own load.
 * @returns undefined if it was ended before the load began
 * @throws OperatorError if the service does not respond or does not accept the key
 */
export async function runLoadTest(options: LoadTestOptions): Promise<LoadReport | undefined> {
  const { plan, run, forceStop, signal, onProgress } = options;
  const control = new HttpClient(plan.url, { connections: CONTROL_CONNECTIONS });
  forceStop.addEventListener('abort', () => control.close());
  try {
    await expectService(control, plan.url);
    const { users, remove } = await options.users(control);
    let keysLeft = 0;
    let load: Awaited<ReturnType<typeof runLoad>> | undefined;
    try {
      if (!signal.aborted) load = await runLoad({ plan, users, control, signal, onProgress });
    } finally {
      keysLeft = await remove();
    }
    return load && createReport(plan, load.recorder, { ...load.facts, run, keysLeft });
  } finally {
    control.close();
  }
}

async function expectService(client: HttpClient, url: string): Promise<void> {
  const request = { method: 'GET', path: '/livez', timeoutMs: FIRST_RESPONSE_MS } as const;
  const { status } = await client.send(request).catch((error: unknown) => {
    throw new OperatorError(`There is no service at ${url}: ${messageOf(error)}. Start one, or correct --url.`, {
      cause: error,
    });
  });
  if (status !== 200)
    throw new OperatorError(`The service at ${url} is no pdfprompt: GET /livez says ${status}. Correct --url.`);
}
