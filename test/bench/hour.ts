import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, percentile, type Result, spread, type Stage } from './stage.ts';

const USERS = 10_000;
const PDFS_AN_HOUR = 5_000;
const MINUTES = 10;
const INVOICE = new URL('../fixtures/invoice.html', import.meta.url);

/**
 * The largest row of the capacity plan on one machine, API, worker, database and clients together:
 * documents of ten thousand users, at random moments.
 */
export async function hour(stage: Stage, files: string[]): Promise<Result> {
  const documents = (files.length > 0 ? files : [INVOICE]).map((file) =>
    Buffer.from(JSON.stringify({ html: readFileSync(file, 'utf8') })),
  );
  await stage.chromium();
  const keys = await stage.users(USERS, 'professional');
  const { address } = await stage.serve();
  await stage.start(['work'], /pdfprompt works/);
  const agent = new Agent({ keepAlive: true, maxSockets: 500 });
  const seen: number[] = [];
  let failures = 0;
  const one = async (number: number) => {
    const key = keys[Math.floor(Math.random() * keys.length)] ?? '';
    const startedAt = performance.now();
    try {
      const sent = await ask(agent, 'POST', `${address}/v1/jobs`, key, documents[number % documents.length]);
      const { id } = JSON.parse(sent) as { id: string };
      const ended = JSON.parse(await ask(agent, 'GET', `${address}/v1/jobs/${id}?wait=60`, key)) as { status: string };
      if (ended.status !== 'completed') throw new Error(ended.status);
      seen.push(performance.now() - startedAt);
    } catch {
      failures++;
    }
  };
  const count = Math.ceil((PDFS_AN_HOUR * MINUTES) / 60);
  const moments = Array.from({ length: count }, () => Math.random() * MINUTES * 60_000); // as calls at an exchange
  await Promise.all(moments.map((ms, number) => sleep(ms).then(() => one(number))));
  agent.destroy();
  const totals = await stage.sql<{ ms: number; queued: number }[]>`
    select (timings->>'total')::float as ms, (timings->>'queued')::float as queued from pdfprompt_job where status = 'completed'`;
  const turnaround = totals.map(({ ms }) => ms);
  return {
    users: USERS,
    'PDFs an hour': Math.round((turnaround.length * 60) / MINUTES),
    failures,
    'turnaround, by the database': spread(turnaround),
    'of which in the queue': spread(totals.map(({ queued }) => queued)),
    'seen by the client, who waits': spread(seen),
    'p95 of the turnaround, ms': percentile(turnaround, 95),
  };
}
