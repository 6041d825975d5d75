import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/db/driver.ts';
import { insertJobs } from './ended-jobs.ts';
import { eventually } from './processes.ts';

interface Input {
  /** of one API process, and its pid */
  address: string;
  pid: number;
  users: readonly { userId: string; key: string }[];
  /** of all users together */
  listeners: number;
  /** in each, one transaction ends a job of every user */
  rounds: number;
  /** milliseconds between two rounds */
  pauseMs: number;
}

/** Megabytes, and milliseconds from before the transaction to the last byte at a listener. */
export interface MeasuredListeners {
  listeners: number;
  'events received': number;
  'MB before': number;
  'KB per listener': number;
  'MB after the first rounds': number;
  'MB after all rounds': number;
  'ms p50': number;
  'ms p99': number;
  'ms at most': number;
}

/** Opens many listeners and ends jobs. */
export async function measureListeners(
  sql: Client,
  { address, pid, users, listeners, rounds, pauseMs }: Input,
): Promise<MeasuredListeners> {
  const agent = new Agent({ maxSockets: Infinity });
  const endedAt = new Map<string, number>();
  const late: number[] = [];
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  let open = 0;
  const listen = (key: string) =>
    get(`${address}/v1/events`, { agent, headers: { authorization: `Bearer ${key}` } }, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.once('data', () => open++);
      response.on('data', (chunk: string) => {
        rest += chunk;
        for (let at = rest.indexOf('\n\n'); at >= 0; at = rest.indexOf('\n\n')) {
          const jobId = /^id: \d+-(.{36})\n/.exec(rest.slice(0, at))?.[1];
          rest = rest.slice(at + 2);
          if (jobId !== undefined) late.push(performance.now() - (endedAt.get(jobId) ?? 0));
        }
      });
    }).once('error', () => undefined);
  try {
    const [first] = users;
    listen(first?.key ?? '');
    await eventually(() => open === 1, 30_000, 'one listens');
    const before = memory();
    for (let index = 1; index < listeners; index++) {
      listen(users[index % users.length]?.key ?? '');
      if (index % 50 === 0) await eventually(() => open >= index - 50, 60_000, 'they listen');
    }
    await eventually(() => open === listeners, 60_000, 'all listen');
    const after = memory();
    const jobs = await Promise.all(users.map(({ userId }) => insertJobs(sql, userId, rounds)));
    let early = 0;
    for (let round = 0; round < rounds; round++) {
      const ids = jobs.map((own) => own[round] ?? '');
      const now = performance.now();
      for (const id of ids) endedAt.set(id, now);
      await sql`
        update pdfprompt_job set status = 'completed', completed_at = now() where id = any (${`{${ids.join(',')}}`}::uuid[])`;
      await sleep(pauseMs);
      if (round === Math.floor(rounds / 4)) early = memory();
    }
    await eventually(() => late.length >= listeners * rounds, 60_000, 'all events are received');
    late.sort((a, b) => a - b);
    const quantile = (part: number) => late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? Infinity;
    return {
      listeners,
      'events received': late.length,
      'MB before': before,
      'KB per listener': ((after - before) * 1_024) / listeners,
      'MB after the first rounds': early,
      'MB after all rounds': memory(),
      'ms p50': quantile(0.5),
      'ms p99': quantile(0.99),
      'ms at most': quantile(1),
    };
  } finally {
    agent.destroy();
  }
}
