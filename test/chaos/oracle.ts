import { createHash } from 'node:crypto';
import type { Client } from '../../src/db/driver.ts';
import { MAX_LOSSES } from '../../src/queue/boss.ts';
import { readPdf } from '../support/pdf.ts';
import type { Promised } from './clients.ts';

/** One thing that must be so; `wrong` holds what is not, and is empty if all is well. */
export interface Finding {
  what: string;
  count: number;
  wrong: string[];
}

interface OracleInput {
  sql: Client;
  ledger: Promised[];
  address: string;
  /** of the owner of each job, by the job's place in the ledger */
  keyOf: (promised: Promised) => string;
  /** pids of workers that were killed, stopped or crashed on purpose, or had to end during an outage */
  faulted: Set<number>;
  /** jobs that nobody submitted one by one */
  ofBatches?: Set<string>;
}

interface Row {
  id: string;
  status: string;
  runs: number;
  losses: number;
  error_code: string | null;
  idempotency_key: string | null;
  files: { sha256: string; pages: number }[];
  outcomes: string[];
  queue_state: string | null;
}

/** Holds what the clients were promised against what there is. */
export async function judge({ sql, ledger, address, keyOf, faulted, ofBatches }: OracleInput): Promise<Finding[]> {
  const rows = await sql<Row[]>`
    select j.id, j.status, j.runs, j.losses, j.error_code, j.idempotency_key,
      (select coalesce(json_agg(json_build_object('sha256', encode(f.sha256, 'hex'), 'pages', f.pages)), '[]') from pdfprompt_file f where f.job_id = j.id) as files,
      (select coalesce(json_agg(a.outcome order by a.run), '[]') from pdfprompt_job_attempt a where a.job_id = j.id) as outcomes,
      (select q.state::text from pgboss.job q where q.id = j.id) as queue_state
    from pdfprompt_job j`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const find = (what: string, count: number, wrong: (string | false)[]): Finding => ({
    what,
    count,
    wrong: wrong.filter((each): each is string => each !== false),
  });
  const completed = rows.filter((row) => row.status === 'completed');

  const pdfs: (string | false)[] = [];
  for (const promised of ledger) {
    const row = byId.get(promised.id);
    if (row?.status === 'completed') pdfs.push(await checkPdf(address, keyOf(promised), promised, row));
  }
  const [usage] = await sql<{ charged: number; pages: number }[]>`
    select coalesce(sum(completed), 0)::int as charged, coalesce(sum(pages), 0)::int as pages from pdfprompt_usage_history`;
  const pages = completed.reduce((sum, row) => sum + (row.files[0]?.pages ?? 0), 0);
  const lost = await readLostRuns(sql);
  const unlucky = unluckyAmong(lost, faulted);
  const [open] = await sql<{ attempts: number; claimed: number }[]>`
    select (select count(*)::int from pdfprompt_job_attempt where ended_at is null) as attempts,
      (select count(*)::int from pgboss.job where name = 'pdf' and state < 'completed') as claimed`;

  return [
    find(
      'acknowledged jobs have ended',
      ledger.length,
      ledger.map(({ id }) => {
        const status = byId.get(id)?.status;
        return !['completed', 'failed', 'cancelled'].includes(status ?? '') && `${id} is ${status ?? 'gone'}`;
      }),
    ),
    find(
      'jobs are one for each Idempotency-Key, and all acknowledged',
      rows.length - (ofBatches?.size ?? 0),
      rows.map(
        (row) =>
          !ofBatches?.has(row.id) && ledger.every(({ id }) => id !== row.id) && `${row.id} (${row.idempotency_key})`,
      ),
    ),
    find(
      'jobs ended as they had to',
      ledger.length,
      ledger.map((promised) => endedWrong(promised, byId.get(promised.id), unlucky.has(promised.id))),
    ),
    find(
      'completed jobs have one file, and one attempt that made it',
      completed.length,
      completed.map(
        (row) =>
          (row.files.length !== 1 || row.outcomes.filter((outcome) => outcome === 'done').length !== 1) &&
          `${row.id}: ${row.files.length} files, ${row.outcomes.join(' ')}`,
      ),
    ),
    find('PDFs have the promised checksum and their own words', completed.length, pdfs),
    find('charged documents are the completed ones', completed.length, [
      usage?.charged !== completed.length && `${usage?.charged} charged`,
      usage?.pages !== pages && `${usage?.pages} pages charged of ${pages}`,
    ]),
    find(
      'every run has its row, and all of them ended',
      rows.reduce((sum, row) => sum + row.runs, 0),
      [
        ...rows.map(
          (row) => row.runs !== row.outcomes.length && `${row.id}: ${row.runs} runs, ${row.outcomes.join(' ')}`,
        ),
        open?.attempts !== 0 && `${open?.attempts} attempts have no end`,
        open?.claimed !== 0 && `${open?.claimed} jobs are left in the queue`,
      ],
    ),
    find(
      'lost runs were of workers that were killed or stopped, none of an outage that they lived through',
      lost.length,
      lost.map(
        ({ job_id, run, pid, is_killed }) => !faulted.has(pid) && !is_killed && `${job_id}, run ${run}, worker ${pid}`,
      ),
    ),
  ];
}

interface LostRun {
  job_id: string;
  run: number;
  /** of its worker */
  pid: number;
  /** whether a document killed that worker */
  is_killed: boolean;
}

export async function readLostRuns(sql: Client): Promise<LostRun[]> {
  return sql<LostRun[]>`
    select a.job_id, a.run, w.pid, exists (
      select 1 from pdfprompt_job_attempt k join pdfprompt_job j on j.id = k.job_id
      where k.worker_id = w.id and k.outcome = 'lost' and j.filename = 'chaos-kill.pdf') as is_killed
    from pdfprompt_job_attempt a join pdfprompt_worker w on w.id = a.worker_id where a.outcome = 'lost'`;
}

/** Jobs so many of whose workers were killed from outside that they are taken for the cause. */
export function unluckyAmong(lost: LostRun[], faulted: Set<number>): Set<string> {
  const ofJob = Map.groupBy(lost, ({ job_id }) => job_id);
  const isUnlucky = (runs: LostRun[]) => runs.length >= MAX_LOSSES && runs.every(({ pid }) => faulted.has(pid));
  return new Set([...ofJob].filter(([, runs]) => isUnlucky(runs)).map(([id]) => id));
}

/** What a job of each kind ends as: its status, or the code with which it fails. Nobody else's fault is among them. */
const ENDS: Record<Promised['kind'], string[]> = {
  plain: ['completed'],
  slow: ['completed'],
  wrong: ['selector_not_found'],
  cancelled: ['cancelled', 'completed'], // it may have been quicker
  killing: ['poison'],
  throwing: ['internal'],
  crashing: ['document_crashed'],
  looping: ['render_timeout'],
};

/** @param isUnlucky it is among those of {@link unluckyAmong} */
function endedWrong({ id, kind }: Promised, row: Row | undefined, isUnlucky: boolean): string | false {
  const end = row?.error_code ?? row?.status ?? 'gone';
  const isRight = ENDS[kind].includes(end) || (isUnlucky && end === 'poison');
  return !isRight && `${id} (${kind}) is ${end}`;
}

async function checkPdf(address: string, key: string, { id, nonce }: Promised, row: Row): Promise<string | false> {
  const response = await fetch(`${address}/v1/jobs/${id}/pdf`, { headers: { authorization: `Bearer ${key}` } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) return `${id}: answered ${response.status}`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== row.files[0]?.sha256) return `${id}: another checksum`;
  const { text } = await readPdf(bytes);
  return !text.join(' ').includes(nonce) && `${id}: not ${nonce}, but ${text.join(' ').slice(0, 60)}`;
}
