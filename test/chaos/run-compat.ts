import type { Client } from '../../src/db/driver.ts';
import { type Answered, CompatClients } from './compat-clients.ts';
import { FAULTS } from './faults.ts';
import { type Finding, readLostRuns } from './oracle.ts';
import { type ChaosOptions, type ChaosReport, type Load, runChaos, type Scene } from './run.ts';

const SLOTS = 6;

/** What a client of Gotenberg may be answered while everything is ended: 0 is a connection that was cut. */
const ALLOWED = new Set([0, 503]);

/** Clients of Gotenberg, while everything that can be ended is ended. */
export function runCompatChaos(options: ChaosOptions): Promise<ChaosReport> {
  return runChaos(options, gotenberg);
}

async function gotenberg({ sql, addresses, keys, jobs }: Scene): Promise<Load> {
  const clients = new CompatClients({ addresses, keys, requests: jobs, slots: SLOTS });
  return {
    env: { COMPAT: 'gotenberg', COMPAT_TIMEOUT: '30' },
    faults: FAULTS,
    done: () => clients.ledger.length,
    run: () => clients.run(),
    sentAgain: () => clients.ledger.reduce((sum, { sent }) => sum + sent - 1, 0),
    judge: (faulted) => judge(sql, clients.ledger, faulted),
  };
}

async function judge(sql: Client, ledger: readonly Answered[], faulted: Set<number>): Promise<Finding[]> {
  const jobs = await sql<{ id: string; status: string; key: string | null; files: number }[]>`
    select id, status, idempotency_key as key, (select count(*)::int from pdfprompt_file f where f.job_id = j.id) as files
    from pdfprompt_job j`;
  const [usage] = await sql<{ charged: number }[]>`
    select coalesce(sum(completed), 0)::int as charged from pdfprompt_usage_history`;
  const completed = jobs.filter(({ status }) => status === 'completed');
  const keys = Map.groupBy(completed, ({ key }) => key);
  const withKey = ledger.filter(({ hasKey }) => hasKey);
  const without = ledger.filter(({ hasKey }) => !hasKey);
  const lost = await readLostRuns(sql);
  const find = (what: string, count: number, wrong: (string | false | undefined)[]): Finding => ({
    what,
    count,
    wrong: wrong.filter((each): each is string => typeof each === 'string'),
  });
  const sentWithout = without.reduce((sum, { sent }) => sum + sent, 0);
  const ofNobody = keys.get(null)?.length ?? 0;
  return [
    find('requests are answered with the right file', ledger.length, ledger.map(({ nonce, wrong }) => wrong && `${nonce}: ${wrong}`)), // prettier-ignore
    find(
      'until then they are answered 503, or not at all',
      ledger.length,
      ledger.map(
        ({ nonce, statuses }) => statuses.some((status) => !ALLOWED.has(status)) && `${nonce}: ${statuses.join(' ')}`,
      ),
    ),
    find(
      'a request with an Idempotency-Key is made once, however often it is sent',
      withKey.length,
      withKey.map(({ nonce }) => keys.get(nonce)?.length !== 1 && `${nonce}: ${keys.get(nonce)?.length ?? 0} times`),
    ),
    find('a request without one is made at most once each time that it is sent', sentWithout, [
      (ofNobody < without.length || ofNobody > sentWithout) &&
        `${ofNobody} jobs for ${without.length} forms, sent ${sentWithout} times`,
    ]),
    find('usage counts each completed job once', completed.length, [
      usage?.charged !== completed.length && `${usage?.charged} charged`,
    ]),
    find('every job has ended, a completed one with one file', jobs.length, jobs.map(({ id, status, files }) => (status === 'completed' ? files !== 1 : !['cancelled', 'failed'].includes(status)) && `${id} is ${status} with ${files} files`)), // prettier-ignore
    find('lost runs were of workers that were killed or stopped', lost.length, lost.map(({ job_id, pid }) => !faulted.has(pid) && `${job_id}, worker ${pid}`)), // prettier-ignore
  ];
}
