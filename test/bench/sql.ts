import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/db/driver.ts';
import { type Result, spread, type Stage } from './stage.ts';

const CONNECTIONS = 20;
const SECONDS = 8;
const ROUNDS = 200;

/** `pdfprompt.submit` of an application: submissions a second, of several users and of one, and from a commit to the start in an idle worker. */
export async function sql(stage: Stage): Promise<Result> {
  const emails = Array.from({ length: CONNECTIONS }, (_, index) => `user${index}@example.com`);
  for (const email of emails) await stage.user(email);
  const started = await startTimes(stage, emails[0] ?? '');
  const many = await load(stage, emails);
  const one = await load(stage, emails.slice(0, 1));
  return {
    'committed → started, in another process': spread(started),
    [`submit, ${CONNECTIONS} users, per second`]: Math.round(many.length / SECONDS),
    [`submit, ${CONNECTIONS} users`]: spread(many),
    'submit, one user, per second': Math.round(one.length / SECONDS),
    'submit, one user': spread(one),
  };
}

const REQUEST = JSON.stringify({ html: '<p>x</p>' });

/** Each connection submits, one transaction after the other. @returns milliseconds of each */
async function load(stage: Stage, emails: string[]): Promise<number[]> {
  const client = connect(stage.url, { max: CONNECTIONS, prepare: true });
  const times: number[] = [];
  const submit = (email: string) => client`select pdfprompt.submit(${email}, ${REQUEST}::text::jsonb)`;
  await Promise.all(Array.from({ length: CONNECTIONS }, () => submit(emails[0] ?? ''))); // connected
  const until = performance.now() + SECONDS * 1_000;
  const slot = async (email: string) => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await submit(email);
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => slot(emails[index % emails.length] ?? '')));
  await client.end();
  return times;
}

/** Milliseconds from a commit to the start of its job. */
async function startTimes(stage: Stage, email: string): Promise<number[]> {
  let started: (line: { jobId: string; time: string }) => void = () => undefined;
  const stop = await stage.startAndStop(['work', '--concurrency', '2'], /pdfprompt works/, {
    onLog: (line) => {
      if (line.includes('"job started"')) started(JSON.parse(line) as { jobId: string; time: string });
    },
  });
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(250 + Math.random() * 100); // idle: the last document is done
    const start = Promise.withResolvers<{ jobId: string; time: string }>();
    started = start.resolve;
    const id = await stage.sql.begin(async (transaction) => {
      const [row] = await transaction<
        { id: string }[]
      >`select pdfprompt.submit(${email}, ${REQUEST}::text::jsonb) as id`;
      return row?.id;
    });
    const committedAt = Date.now(); // a little after it; both clocks are this machine's, in whole milliseconds
    const line = await start.promise;
    if (line.jobId !== id) throw new Error('another job was started');
    times.push(Math.max(0, Date.parse(line.time) - committedAt));
  }
  await stop();
  return times;
}
