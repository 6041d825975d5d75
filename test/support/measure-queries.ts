import { connect } from '../../src/db/driver.ts';
import { seedMillion } from './million.ts';
import { type PhasedPlan, PlanLog } from './plan-log.ts';
import { PLAN_SETTINGS } from './plans.ts';
import { OwnPostgres } from './postgres.ts';
import { openStagedService } from './staged-service.ts';
import { TURNS } from './visit.ts';
import { planVisits } from './visits.ts';

/** It is thrown away: nothing has to outlive a crash. */
export const QUICK_SETTINGS = [
  'fsync=off',
  'full_page_writes=off',
  'synchronous_commit=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_wal_size=16GB',
  'checkpoint_timeout=1h',
  'shared_buffers=1GB',
  'autovacuum=off', // so that we know what has been analyzed
];

/** All executions of one query, as far as it is known by what it does and who does it. */
export interface MeasuredQuery {
  /** a route or a verb, `worker`, `foreign keys` */
  who: string;
  shape: string;
  times: number;
  /** at most, of one execution */
  buffers: number;
  ms: { p50: number; max: number };
  nodes: string[];
  scanned: string[];
  /** the words of the execution with the most buffers */
  text: string;
}

interface Measured {
  /** of a database that was never analyzed, and of one that was */
  rounds: { state: 'fresh' | 'analyzed'; queries: MeasuredQuery[] }[];
  /** in the OpenAPI document, as `GET /v1/jobs` */
  routes: string[];
  /** names of what was done */
  visited: string[];
  seconds: Record<string, number>;
}

/** Does everything that a service does on a database of this size, and reads what it cost. */
export async function measureQueries(options: {
  jobs: number;
  users: number;
  dataDir: string;
  log: (line: string) => void;
}): Promise<Measured> {
  const seconds: Record<string, number> = {};
  let since = performance.now();
  const lap = (name: string) => {
    seconds[name] = Math.round((performance.now() - since) / 100) / 10;
    since = performance.now();
  };
  const postgres = await OwnPostgres.open([...PLAN_SETTINGS, ...QUICK_SETTINGS].map((each) => `-c ${each}`).join(' '));
  const sql = connect(postgres.url, { max: 1, connection: { application_name: 'staging' }, onnotice: () => undefined });
  const plans = new PlanLog(postgres);
  try {
    lap('Postgres');
    await seedMillion(postgres.url, options);
    lap('seeding');
    await sql`select 1`; // from here on everybody but this connection is written down
    await sql.unsafe('alter database pdfprompt set auto_explain.log_min_duration = 0');
    const measured: Measured = { rounds: [], routes: [], visited: [], seconds };
    for (const state of ['fresh', 'analyzed'] as const) {
      if (state === 'analyzed') await sql.unsafe('vacuum analyze');
      lap(`${state}: getting there`);
      await plans.phase('start');
      const service = await openStagedService({
        databaseUrl: postgres.url,
        dataDir: options.dataDir,
        log: options.log,
      });
      try {
        measured.routes = await documentedRoutes(service.url);
        const visits = await planVisits(service, sql, measured.rounds.length);
        measured.visited = visits.map(({ name }) => name);
        for (const { name, run } of visits) {
          await plans.phase(name);
          for (let turn = 0; turn < TURNS; turn++) await run(turn);
        }
      } finally {
        await plans.phase('stop');
        await service.stop();
      }
      lap(`${state}: visits`);
      measured.rounds.push({ state, queries: group(await plans.take()) });
      lap(`${state}: reading plans`);
    }
    return measured;
  } finally {
    await plans.close();
    await sql.end();
    await postgres.close();
  }
}

async function documentedRoutes(url: string): Promise<string[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
  return Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.keys(verbs).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

function group(plans: PhasedPlan[]): MeasuredQuery[] {
  const groups = new Map<string, PhasedPlan[]>();
  for (const plan of plans) {
    const key = `${whoOf(plan)}\n${plan.shape}`;
    const members = groups.get(key);
    if (members) members.push(plan);
    else groups.set(key, [plan]);
  }
  return [...groups].map(([key, members]) => {
    const [who = '', shape = ''] = key.split('\n');
    const times = members.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const worst = members.reduce((a, b) => (b.buffers > a.buffers ? b : a));
    return {
      who,
      shape,
      times: members.length,
      buffers: worst.buffers,
      ms: { p50: times[Math.floor(times.length / 2)] ?? 0, max: times.at(-1) ?? 0 },
      nodes: [...new Set(members.flatMap(({ nodes }) => nodes))],
      scanned: [...new Set(members.flatMap(({ scanned }) => scanned))],
      text: worst.text,
    };
  });
}

function whoOf({ application, phase, shape, text }: PhasedPlan): string {
  if (
    /(into|update|from) "pdfprompt_lease" (as l|set|where .* and "pdfprompt_lease"."holder")|current_setting\('max_connections'\)|where status = 'sending' limit|min\(next_at\)|next_at <= coalesce|pdfprompt_retry_run|r\.retry_at <= at|with recursive seen as \(|count\(\*\)::integer as batches|pdfprompt_queue_scheduled|j\.run_at <= at|min\(run_at\)|"pdfprompt_bulk_action" set "holder"|from "pdfprompt_backup"/.test(
      text,
    )
  )
    return 'queue watch'; // every few seconds, whoever is at what
  if (shape.startsWith('foreign key')) return 'foreign keys';
  if (application.startsWith('pdfprompt work')) return 'worker';
  if (application === 'pdfprompt serve notifier') return 'notifier';
  return phase;
}
