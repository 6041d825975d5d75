import { UsageError, OperatorError, messageOf } from '../kernel/errors.ts';
import type { Tier } from '../domain/tier.ts';
import { type Answer, type HttpClient, jsonOf } from './http-client.ts';
import { apportion, type Share } from './shares.ts';

/** PDFs a minute of a user whose tier has no limit, and the part of the limit that others use. */
const UNLIMITED_RATE = 5;
const PART_OF_LIMIT = 0.1;

const ADMIN_MS = 30_000;
/** Requests at a time: the API does such work on two connections. */
const AT_A_TIME = 4;

/** Who sends. */
export interface TestUser {
  key: string;
  tier: string;
  /** PDFs a minute, unless the plan says otherwise */
  usualRate: number;
}

export interface TestUsers {
  users: readonly TestUser[];
  /** Erases them, with all that they made. @returns how many could not be; their keys end by themselves soon */
  remove: () => Promise<number>;
}

interface CreateOptions {
  client: HttpClient;
  adminKey: string;
  /** what it is called when it is refused */
  keyName: string;
  /** part of their addresses */
  run: string;
  count: number;
  tiers: readonly Share[];
  /** until then their keys are valid, should nobody be there to end them */
  expiresAt: Date;
  signal: AbortSignal;
  onProgress: (message: string) => void;
}

/**
 * Users of this test alone, each with a key, over the admin API.
 * @throws OperatorError for a key that may not do that, UsageError for a tier that does not exist
 */
export async function createTestUsers(options: CreateOptions): Promise<TestUsers> {
  const { client, adminKey, keyName, run, count, tiers, expiresAt, signal, onProgress } = options;
  const admin = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const json = body && { body: Buffer.from(JSON.stringify(body)) };
    return succeeded(
      await client.ask({ method, path: `/v1/admin${path}`, key: adminKey, timeoutMs: ADMIN_MS, ...json }),
      keyName,
    );
  };
  const { data: known } = (await admin('GET', '/tiers')) as { data: Tier[] };
  const unknown = tiers.find(({ name }) => !known.some((tier) => tier.name === name));
  if (unknown !== undefined)
    throw new UsageError(
      `--tiers: there is no tier ${unknown.name}; allowed: ${known.map(({ name }) => name).join(', ')}`,
    );

  const wanted = apportion(count, tiers).flatMap(({ name, count: many }) => Array.from({ length: many }, () => name));
  const made: (TestUser & { userId: string })[] = [];
  const remove = async () => {
    let left = made.length;
    await inTurns(made, async ({ userId }) => {
      await admin('DELETE', `/users/${userId}`);
      left--;
    }).catch(() => undefined); // who does not answer once is not asked for all the others
    return left;
  };
  onProgress(`Making ${count} users`);
  try {
    await inTurns(wanted, async (tier, index) => {
      if (signal.aborted) return;
      const { userId, key } = (await admin('POST', '/keys', {
        email: `bench-${run}-${index + 1}@bench.invalid`,
        tier,
        scopes: ['jobs:write', 'jobs:read'],
        expiresAt: expiresAt.toISOString(),
      })) as { userId: string; key: string };
      made.push({
        userId,
        key,
        tier,
        usualRate: usualRate(known.find(({ name }) => name === tier)?.requestsPerMinute),
      });
    });
  } catch (error) {
    await remove();
    throw error;
  }
  return { users: made, remove };
}

/**
 * One user that is there already, who sends what so many would.
 * @throws OperatorError for a key that may not submit jobs
 */
export async function shareOneKey(client: HttpClient, key: string, count: number): Promise<TestUsers> {
  const usage = await client.ask({ method: 'GET', path: '/v1/usage?days=1', key, timeoutMs: ADMIN_MS });
  if (usage.status !== 403) succeeded(usage, 'The key'); // one that may not read the usage may still submit
  const { tier = 'unknown', limits = [] } = (usage.status === 200 ? jsonOf(usage) : {}) as {
    tier?: string;
    limits?: { name: string; limit: number }[];
  };
  const rate = usualRate(limits.find(({ name }) => name === 'minute')?.limit) / count;
  return { users: Array.from({ length: count }, () => ({ key, tier, usualRate: rate })), remove: async () => 0 };
}

const usualRate = (limit: number | null | undefined) =>
  limit === null || limit === undefined ? UNLIMITED_RATE : limit * PART_OF_LIMIT;

function succeeded(answer: Answer, what: string): unknown {
  if (answer.status < 300) return jsonOf(answer);
  const { detail = '' } = (jsonOf(answer) ?? {}) as { detail?: string };
  if (answer.status === 401) throw new OperatorError(`${what} is not valid there: ${detail || 'HTTP 401'}`);
  if (answer.status === 403) throw new OperatorError(`${what} may not do that: ${detail || 'HTTP 403'}`);
  throw new OperatorError(`The service answered ${answer.status}: ${detail || 'without a reason'}`);
}

/** Each once, some at a time; the first failure is thrown when the others have ended. */
async function inTurns<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const entries = items.entries();
  let failure: Error | undefined;
  const lane = async () => {
    for (const [index, item] of entries) {
      if (failure !== undefined) return;
      await work(item, index).catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error(messageOf(error));
      });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  if (failure !== undefined) throw failure;
}
