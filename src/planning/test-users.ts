import type { Tier } from '../domain/tier.ts';
import { OperatorError, UsageError } from '../kernel/errors.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import { type HttpClient, type HttpResponse, jsonOf } from './http-client.ts';
import { apportion, type Share } from './shares.ts';

/** PDFs a minute of a user whose tier has no limit, and the part of the limit that others use. */
const UNLIMITED_RATE = 5;
const PART_OF_LIMIT = 0.1;

const ADMIN_MS = 30_000;
/** Requests at a time: the API has two connections for such work. */
const AT_A_TIME = 4;

/** A sender of PDF requests. */
export interface TestUser {
  key: string;
  tier: string;
  /** PDFs a minute, unless the plan says otherwise */
  usualRate: number;
}

export interface TestUsers {
  users: readonly TestUser[];
  /** Erases them with their jobs and PDFs. @returns how many could not be erased; their keys expire soon */
  remove: () => Promise<number>;
}

interface CreateOptions {
  client: HttpClient;
  adminKey: string;
  /** the admin key in error messages */
  keyName: string;
  /** part of their addresses */
  run: string;
  count: number;
  tiers: readonly Share[];
  /** of their keys, in case the test is killed before it can erase them */
  expiresAt: Date;
  signal: AbortSignal;
  onProgress: (message: string) => void;
}

/**
 * Creates users for this test over the admin API, each with a key.
 * @throws OperatorError for a key without the scope, UsageError for a tier that does not exist
 */
export async function createTestUsers(options: CreateOptions): Promise<TestUsers> {
  const { client, adminKey, keyName, run, count, tiers, expiresAt, signal, onProgress } = options;
  const admin = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const json = body && { body: Buffer.from(JSON.stringify(body)) };
    const request = { method, path: `/v1/admin${path}`, key: adminKey, timeoutMs: ADMIN_MS, ...json };
    return expectSuccess(await client.send(request), keyName);
  };
  const { data: known } = (await admin('GET', '/tiers')) as { data: Tier[] };
  const unknown = tiers.find(({ name }) => !known.some((tier) => tier.name === name));
  if (unknown !== undefined)
    throw new UsageError(
      `--tiers: there is no tier ${unknown.name}; allowed: ${known.map(({ name }) => name).join(', ')}`,
    );

  const created: (TestUser & { userId: string })[] = [];
  const remove = async () => {
    let left = created.length;
    await forEachInSlots(created, AT_A_TIME, async ({ userId }) => {
      await admin('DELETE', `/users/${userId}`);
      left--;
    }).catch(() => undefined); // the service is gone: the others would fail in the same way
    return left;
  };
  onProgress(`Making ${count} users`);
  const wanted = apportion(count, tiers).flatMap(({ name, count: many }) => Array.from({ length: many }, () => name));
  try {
    await forEachInSlots(wanted.entries(), AT_A_TIME, async ([index, tier]) => {
      if (signal.aborted) return;
      const { userId, key } = (await admin('POST', '/keys', {
        email: `bench-${run}-${index + 1}@bench.invalid`,
        tier,
        scopes: ['jobs:write', 'jobs:read'],
        expiresAt: expiresAt.toISOString(),
      })) as { userId: string; key: string };
      const limit = known.find(({ name }) => name === tier)?.requestsPerMinute;
      created.push({ userId, key, tier, usualRate: usualRate(limit) });
    });
  } catch (error) {
    await remove();
    throw error;
  }
  return { users: created, remove };
}

/**
 * One existing user, who sends as much as `count` users would.
 * @throws OperatorError for a key that may not submit jobs
 */
export async function shareOneKey(client: HttpClient, key: string, count: number): Promise<TestUsers> {
  const usage = await client.send({ method: 'GET', path: '/v1/usage?days=1', key, timeoutMs: ADMIN_MS });
  if (usage.status !== 403) expectSuccess(usage, 'The key'); // a key that may not read the usage may still submit
  const { tier = 'unknown', limits = [] } = (usage.status === 200 ? jsonOf(usage) : {}) as {
    tier?: string;
    limits?: { name: string; limit: number }[];
  };
  const rate = usualRate(limits.find(({ name }) => name === 'minute')?.limit) / count;
  return { users: Array.from({ length: count }, () => ({ key, tier, usualRate: rate })), remove: async () => 0 };
}

const usualRate = (limit: number | null | undefined) =>
  typeof limit === 'number' ? limit * PART_OF_LIMIT : UNLIMITED_RATE;

function expectSuccess(response: HttpResponse, what: string): unknown {
  const { status } = response;
  if (status < 300) return jsonOf(response);
  const { detail } = (jsonOf(response) ?? {}) as { detail?: string };
  if (status === 401) throw new OperatorError(`${what} is not valid there: ${detail ?? 'HTTP 401'}`);
  if (status === 403) throw new OperatorError(`${what} may not do that: ${detail ?? 'HTTP 403'}`);
  throw new OperatorError(`The service answered ${status}: ${detail ?? 'without a reason'}`);
}
