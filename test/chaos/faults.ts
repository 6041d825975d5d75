import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/db/driver.ts';
import type { CrashPoint } from '../../src/kernel/crash-point.ts';
import type { OwnPostgres } from '../support/postgres.ts';
import { commandOf, descendants } from '../support/processes.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import type { Member } from './fleet.ts';

/** How a process comes to its database. */
export interface Ways {
  pool: TcpProxy;
  /** for what needs a session of its own */
  session: TcpProxy;
}

export interface Target {
  apis: Member[];
  workers: Member[];
  postgres: OwnPostgres;
  sql: Client;
  waysOf: (member: Member) => Ways;
}

const any = <T>(values: T[]): T => values[Math.floor(Math.random() * values.length)] as T;
const between = (from: number, to: number) => from + Math.random() * (to - from);
/** The first process of a browser, of which all others are children. */
const isBrowser = (command: string) => command.includes('--remote-debugging-pipe') && !command.includes('--type=');
const nth = () => 1 + Math.floor(Math.random() * 3);

/** Nothing comes through, and nobody is told. Who is silent for 10 s is taken for dead. */
async function silence(member: Member, { pool, session }: Ways, ms: number): Promise<void> {
  member.faulted.add(member.pid);
  for (const way of [pool, session]) way.silence();
  await sleep(ms);
  for (const way of [pool, session]) way.resume();
}

async function comeBack(postgres: OwnPostgres): Promise<void> {
  // A killed server's children hold its memory until they have noticed.
  for (;;) {
    const isUp = await postgres.start().then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await sleep(100);
  }
}

export const crash = (point: CrashPoint, role: 'apis' | 'workers') => async (target: Target) =>
  any(target[role]).crashAt(`${point}:${nth()}`);

/** Everything that can happen. Each resolves when it is over; what was ended is started again by the fleet. */
export const FAULTS: Record<string, (target: Target) => Promise<void>> = {
  'worker: SIGKILL': async ({ workers }) => any(workers).signal('SIGKILL'),
  'worker: SIGTERM': async ({ workers }) => any(workers).signal('SIGTERM'),
  'worker: SIGSTOP 3 to 14 s': async ({ workers }) => any(workers).freeze(between(3_000, 14_000)),
  'worker: its Chromium SIGKILL': async ({ workers }) => {
    const processes = descendants(any(workers).pid);
    if (processes.length > 0) process.kill(any(processes), 'SIGKILL');
  },
  'worker: its Chromium SIGSTOP': async ({ workers }) => {
    const browsers = descendants(any(workers).pid).filter((pid) => isBrowser(commandOf(pid)));
    if (browsers.length > 0) process.kill(any(browsers), 'SIGSTOP');
  },
  'worker: its session cut for 1 to 8 s': async ({ workers, waysOf }) => {
    const { session } = waysOf(any(workers));
    session.refuse();
    await sleep(between(1_000, 8_000));
    session.admit();
  },
  'worker: its database silent for 2 to 20 s': async ({ workers, waysOf }) => {
    const worker = any(workers);
    await silence(worker, waysOf(worker), between(2_000, 20_000));
  },
  'API: its database silent for 2 to 8 s': async ({ apis, waysOf }) => {
    const api = any(apis);
    await silence(api, waysOf(api), between(2_000, 8_000));
  },
  'API: SIGKILL': async ({ apis }) => any(apis).signal('SIGKILL'),
  'API: SIGTERM': async ({ apis }) => any(apis).signal('SIGTERM'),
  'API: SIGSTOP 1 to 4 s': async ({ apis }) => any(apis).freeze(between(1_000, 4_000)),
  'Postgres: SIGKILL': async ({ postgres }) => {
    await postgres.kill();
    await comeBack(postgres);
  },
  'Postgres: immediate shutdown, 1 to 5 s': async ({ postgres }) => {
    await postgres.stop('immediate');
    await sleep(between(1_000, 5_000));
    await comeBack(postgres);
  },
  'Postgres: restart': async ({ postgres }) => {
    await postgres.stop('fast');
    await comeBack(postgres);
  },
  'Postgres: all connections cut': async ({ sql }) => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pdfprompt%'`;
  },
  'crash: submit.committed': crash('submit.committed', 'apis'),
  'crash: claim.committed': crash('claim.committed', 'workers'),
  'crash: render.done': crash('render.done', 'workers'),
  'crash: store.put': crash('store.put', 'workers'),
  'crash: finish.written': crash('finish.written', 'workers'),
  'crash: finish.committed': crash('finish.committed', 'workers'),
};
