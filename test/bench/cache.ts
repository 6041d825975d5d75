import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/kernel/errors.ts';
import { pretendToWork } from './pretend-worker.ts';
import { percentile, type Result, type Stage } from './stage.ts';
import { act, pickRoute, type RouteName, ROUTES, type Tenant } from './tenants.ts';

const USERS = 1_000;
const SLOTS = 4;
const SLICES = 6;
const SLICE_MS = 8_000;
const ALONE = 300;
const ALONE_USERS = 50;

const MODES = { off: { CACHE_MAX_ENTRIES: '0' }, on: {} };
type Mode = keyof typeof MODES;

/** A thousand users who submit, poll, list and ask for their usage, with the caches off and on in turn. */
export async function cache(stage: Stage): Promise<Result> {
  const keys = await stage.users(USERS, 'enterprise');
  const tenants: Tenant[] = keys.map((key) => ({ key, jobId: undefined }));
  const stop = await pretendToWork(stage);
  const apis = { off: await stage.serve(MODES.off), on: await stage.serve(MODES.on) };
  const agent = new Agent({ keepAlive: true, maxSockets: SLOTS });
  const any = () => tenants[Math.floor(Math.random() * tenants.length)] as Tenant;

  const times: Record<Mode, Record<RouteName, number[]>> = { off: empty(), on: empty() };
  const queries = { off: 0, on: 0 };
  for (let slice = 0; slice < SLICES; slice++) {
    const mode = slice % 2 === 0 ? 'off' : 'on';
    const { address, queries: count } = apis[mode];
    const before = await count();
    const until = performance.now() + SLICE_MS;
    const slot = async () => {
      while (performance.now() < until) {
        const route = pickRoute();
        times[mode][route].push(await act(agent, address, any(), route));
      }
    };
    await Promise.all(Array.from({ length: SLOTS }, slot));
    queries[mode] += (await count()) - before;
  }

  const requests = (mode: Mode) => ROUTES.reduce((sum, route) => sum + times[mode][route].length, 0);
  const each = (mode: Mode) => queries[mode] / requests(mode);
  const result: Result = {
    'requests, caches off': requests('off'),
    'requests, caches on': requests('on'),
    'queries for each request, off': round(each('off')),
    'queries for each request, on': round(each('on')),
    'fewer queries, %': round(100 * (1 - each('on') / each('off'))),
  };
  for (const route of ROUTES) {
    const [off, on] = [percentile(times.off[route], 50), percentile(times.on[route], 50)];
    result[`${route}: p50 off → on, ms`] = `${off} → ${on}  (${Math.round(100 * (1 - on / off))} % less)`;
  }

  // By themselves, one after the other: how many queries each takes.
  await sleep(1_000); // what was submitted has ended
  const starters = (await stage.users(ALONE_USERS, 'starter')).map((key): Tenant => ({ key, jobId: undefined }));
  const ways: Record<string, (address: string, turn: number) => Promise<number>> = {
    'poll of an ended job': (address, turn) => act(agent, address, polled[turn % ALONE_USERS] as Tenant, 'poll'),
    list: (address, turn) => act(agent, address, polled[turn % ALONE_USERS] as Tenant, 'list'),
    usage: (address, turn) => act(agent, address, polled[turn % ALONE_USERS] as Tenant, 'usage'),
    submit: (address, turn) => act(agent, address, polled[turn % ALONE_USERS] as Tenant, 'submit'),
    'submit over the limit': (address, turn) => refused(agent, address, starters[turn % ALONE_USERS] as Tenant),
  };
  const polled = tenants.filter(({ jobId }) => jobId !== undefined).slice(0, ALONE_USERS);
  for (const [name, once] of Object.entries(ways)) {
    const counts: number[] = [];
    const p50: number[] = [];
    for (const mode of ['off', 'on'] as const) {
      const { address, queries: count } = apis[mode];
      for (let turn = 0; turn < 3 * ALONE_USERS; turn++) await once(address, turn); // limits reached, caches filled
      const before = await count();
      const took: number[] = [];
      for (let turn = 0; turn < ALONE; turn++) took.push(await once(address, turn));
      counts.push(round(((await count()) - before) / ALONE));
      p50.push(percentile(took, 50));
    }
    result[`${name}, alone: queries off → on`] = counts.join(' → ');
    result[`${name}, alone: p50 off → on, ms`] = p50.join(' → ');
  }
  await stop();
  agent.destroy();
  return result;
}

/** Asks for a document once or more than the tier allows. @returns milliseconds it took */
async function refused(agent: Agent, address: string, tenant: Tenant): Promise<number> {
  const startedAt = performance.now();
  await act(agent, address, tenant, 'submit').catch((error: unknown) => {
    if (!messageOf(error).includes('429')) throw error;
  });
  return performance.now() - startedAt;
}

const empty = (): Record<RouteName, number[]> => ({ submit: [], poll: [], list: [], usage: [] });
const round = (value: number) => Math.round(value * 100) / 100;
