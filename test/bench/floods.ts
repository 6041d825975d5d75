import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask, percentile, type Result, type Stage } from './stage.ts';

const SECONDS = 6;
/** Milliseconds between two requests of the other tenant. */
const PAUSE_MS = 20;
const KINDS = ['bodies', 'documents', 'lists', 'polls', 'trickles'];
const JOBS = 100;

/**
 * What one tenant waits for the API while another floods it: with 24 bodies of 5 MB at a time, 64 small
 * documents, lists of a hundred jobs, polls, or bodies that never end. A starter, who is soon at the limit,
 * and one without limits.
 */
export async function floods(stage: Stage): Promise<Result> {
  const { address } = await stage.serve();
  const agent = new Agent({ keepAlive: true });
  const victim = await stage.user('victim@example.com');
  const submit = async (key: string) =>
    (JSON.parse(await ask(agent, 'POST', `${address}/v1/jobs`, key, Buffer.from('{"html":"x"}'))) as { id: string }).id;

  const watch = async () => {
    const times: number[] = [];
    const probes: number[] = [];
    const timed = async (into: number[], work: () => Promise<unknown>) => {
      const startedAt = performance.now();
      await work();
      into.push(performance.now() - startedAt);
    };
    const until = performance.now() + SECONDS * 1_000;
    const probing = (async () => {
      while (performance.now() < until) {
        await timed(probes, () => ask(agent, 'GET', `${address}/livez`, victim.key));
        await sleep(PAUSE_MS);
      }
    })();
    while (performance.now() < until) {
      let id = '';
      await timed(times, async () => (id = await submit(victim.key)));
      await timed(times, () => ask(agent, 'GET', `${address}/v1/jobs/${id}`, victim.key));
      await timed(times, () => ask(agent, 'GET', `${address}/v1/jobs`, victim.key));
      await sleep(PAUSE_MS);
    }
    await probing;
    return { p95: percentile(times, 95), worst: percentile(times, 100), livez: percentile(probes, 100) };
  };

  await watch(); // warm
  const idle = await watch();
  const most = Math.round(2 * idle.p95 + 100);
  const result: Result = { 'nobody else: p95, ms': idle.p95, 'allowed under a flood: p95, ms': most };
  for (const tier of ['starter', undefined]) {
    for (const kind of KINDS) {
      const { key } = await stage.user(`${kind}-${tier}@example.com`, tier);
      const jobs = tier === undefined ? JOBS : 1;
      let job = '';
      for (let count = 0; count < jobs; count++) job = await submit(key);
      const path = fileURLToPath(new URL('flooder.ts', import.meta.url));
      const flooder = spawn(process.execPath, [path, kind, address, key, job], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      flooder.stdout.on('data', (data: Buffer) => (said += data.toString()));
      try {
        await once(flooder.stdout, 'data');
        const { p95, worst, livez } = await watch();
        flooder.kill('SIGTERM');
        await once(flooder, 'exit');
        const answers = said.replace('floods', '').trim();
        result[`${kind} of a ${tier ?? 'tenant without limits'}: p95, ms`] = p95;
        result[`${kind} of a ${tier ?? 'tenant without limits'}`] =
          `${p95 <= most ? 'held' : 'NOT HELD'}; worst ${worst}, /livez up to ${livez} ms; answered: ${answers}`;
      } finally {
        flooder.kill('SIGKILL');
      }
    }
  }
  agent.destroy();
  return result;
}
