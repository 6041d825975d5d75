import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/db/driver.ts';
import { nonceOf } from '../support/invoice-batch.ts';
import { download, noncesOfPages, noncesOfZip } from '../support/printed-batch.ts';
import { type BatchClients, filenameOf, type PromisedBatch } from './batch-clients.ts';
import type { GotWebhook } from './batch-receiver.ts';
import { type Finding, readLostRuns, unluckyAmong } from './oracle.ts';

interface OracleInput {
  sql: Client;
  clients: BatchClients;
  got: GotWebhook[];
  address: string;
  directory: string;
  /** as `judge` has it */
  faulted: Set<number>;
}

interface BatchRow {
  id: string;
  user_id: string;
  status: string;
  result: string;
  total: number;
  is_over: boolean;
  counted: Counts & { open: number };
}

interface Counts {
  completed: number;
  failed: number;
  cancelled: number;
}

interface ItemRow {
  id: string;
  batch_id: string;
  /** null: the job that merges */
  batch_row: number | null;
  status: string;
  error_code: string | null;
  files: number;
  pages: number;
}

interface DeliveryRow {
  id: string;
  batch_id: string;
  event: string;
  status: string;
}

/** Holds what was promised of batches against what there is. */
export async function judgeBatches({
  sql,
  clients,
  got,
  address,
  directory,
  faulted,
}: OracleInput): Promise<Finding[]> {
  const { ledger, problems, repeated } = clients;
  const batches = await sql<BatchRow[]>`
    select b.id, b.user_id, b.status, b.result, b.total, b.completed_at is not null as is_over,
      (select json_build_object('open', sum(c.open), 'completed', sum(c.completed), 'failed', sum(c.failed), 'cancelled', sum(c.cancelled))
        from pdfprompt_batch_count c where c.batch_id = b.id) as counted
    from pdfprompt_batch b`;
  const jobs = await sql<ItemRow[]>`
    select j.id, j.batch_id, j.batch_row, j.status, j.error_code,
      (select count(*)::int from pdfprompt_file f where f.job_id = j.id) as files,
      (select coalesce(sum(f.pages), 0)::int from pdfprompt_file f where f.job_id = j.id) as pages
    from pdfprompt_job j where j.batch_id is not null order by j.batch_id, j.batch_row`;
  const deliveries = await sql<DeliveryRow[]>`
    select id, batch_id, event, status from pdfprompt_delivery where batch_id is not null`;
  const unlucky = unluckyAmong(await readLostRuns(sql), faulted);
  const promisedOf = new Map(ledger.map((promised) => [promised.id, promised]));
  const jobsOf = Map.groupBy(jobs, ({ batch_id }) => batch_id);
  const itemsOf = (id: string) => (jobsOf.get(id) ?? []).filter(({ batch_row }) => batch_row !== null);
  const closingOf = (id: string) => (jobsOf.get(id) ?? []).filter(({ batch_row }) => batch_row === null);
  const find = (what: string, count: number, wrong: (string | false | undefined)[]): Finding => ({
    what,
    count,
    wrong: wrong.filter((each): each is string => typeof each === 'string'),
  });
  const each = (problem: (promised: PromisedBatch, batch: BatchRow) => string | false | undefined) =>
    batches.map((batch) => {
      const promised = promisedOf.get(batch.id);
      const text = promised && problem(promised, batch);
      return text && `${promised.kind} ${batch.id}: ${text}`;
    });

  const read = await readResults({ ledger, address, directory, batches, itemsOf });
  return [
    find('batches are one for each Idempotency-Key, and all acknowledged', batches.length, [
      ...batches.map(({ id }) => !promisedOf.has(id) && `${id} was promised to nobody`),
      ...ledger.map(({ id }) => batches.every((batch) => batch.id !== id) && `${id} is gone`),
    ]),
    find('batches sent again were the same ones', repeated, problems),
    find(
      'batches are over, as they had to be',
      batches.length,
      each(({ kind }, { status, is_over: isOver }) => {
        const allowed = kind === 'cancelled' ? ['cancelled', 'completed'] : ['completed']; // it may have been quicker
        return (!isOver || !allowed.includes(status)) && `${status}, ${isOver ? 'over' : 'not over'}`;
      }),
    ),
    find(
      'rows have one item each, and no other',
      jobs.filter(({ batch_row }) => batch_row !== null).length,
      each(({ rows }, { id, total }) => {
        const found = itemsOf(id).map(({ batch_row }) => batch_row);
        const isRight = total === rows && found.length === rows && found.every((row, index) => row === index + 1);
        return !isRight && `${found.length} items of ${rows} rows`;
      }),
    ),
    find(
      'items ended as they had to',
      jobs.length,
      batches.flatMap(({ id, status }) => {
        const promised = promisedOf.get(id);
        return itemsOf(id).map((item) => promised && endedWrong(item, promised, { status, unlucky }));
      }),
    ),
    find(
      'counts are those of the items',
      batches.length,
      each((_, { id, counted }) => {
        const counts = { open: 0, completed: 0, failed: 0, cancelled: 0 };
        for (const { status } of itemsOf(id)) counts[status in counts ? (status as keyof Counts) : 'open']++;
        const wrong = Object.entries(counts).filter(([name, count]) => counted[name as keyof Counts] !== count);
        return wrong.length > 0 && `counted ${JSON.stringify(counted)}, there are ${JSON.stringify(counts)}`;
      }),
    ),
    find(
      'the merged have one closing job with one file, the others have none',
      batches.filter(({ result }) => result === 'merged').length,
      each(({ kind }, { id }) => {
        const closing = closingOf(id);
        if (kind !== 'merged') return closing.length > 0 && `${closing.length} closing jobs`;
        const [job] = closing;
        const completed = itemsOf(id).filter(({ status }) => status === 'completed').length;
        const isRight =
          closing.length === 1 && job?.status === 'completed' && job.files === 1 && job.pages === completed;
        return !isRight && `${completed} items, ${JSON.stringify(closing)}`;
      }),
    ),
    find('merged PDFs and zips have the page of each completed item, in order, and no other', read.count, read.wrong),
    find(
      'ends have one webhook, delivered under one id, however often',
      got.length,
      each(({ kind }, { id, status }) => webhookWrong({ isRetried: kind === 'retried', id, status, deliveries, got })),
    ),
    find('limits of the day count each item and each single job', batches.length, await limitsWrong(sql)),
  ];
}

const ENDED = new Set(['completed', 'failed', 'cancelled']);

function endedWrong(
  { id, batch_row: row, status, error_code: code, files }: ItemRow,
  { kind, run }: PromisedBatch,
  { status: batch, unlucky }: { status: string; unlucky: Set<string> },
): string | false {
  const name = filenameOf(kind, row ?? 0, run);
  const end = code ?? status;
  const allowed = name === 'chaos-throw.pdf' ? ['internal'] : name === 'chaos-kill.pdf' ? ['poison'] : ['completed'];
  const isCancelled = batch === 'cancelled' && status === 'cancelled';
  const isRight = allowed.includes(end) || isCancelled || (unlucky.has(id) && end === 'poison');
  if (!ENDED.has(status) || !isRight) return `row ${row}, ${id} (${name}) is ${end}`;
  return status === 'completed' && files !== 1 && `row ${row}, ${id} has ${files} files`;
}

function webhookWrong(input: {
  isRetried: boolean;
  id: string;
  status: string;
  deliveries: DeliveryRow[];
  got: GotWebhook[];
}): string | false {
  const { isRetried, id, status } = input;
  const own = input.deliveries.filter(({ batch_id }) => batch_id === id);
  const got = input.got.filter(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id === id);
  const ids = new Set(got.map((one) => one.id));
  // Each end has its own. One that is not sent yet when the batch is retried is cancelled.
  const delivered = own.filter((row) => row.status === 'delivered');
  const isRight = isRetried
    ? own.length > 1 && delivered.length > 0 && own.every((row) => ['delivered', 'cancelled'].includes(row.status))
    : own.length === 1 && delivered.length === 1;
  if (!isRight || own.some((row) => row.event !== 'batch.completed')) return `deliveries ${JSON.stringify(own)}`;
  if (delivered.some((row) => !ids.has(row.id)) || [...ids].some((one) => own.every((row) => row.id !== one)))
    return `received as ${[...ids].join(' ')}, deliveries ${JSON.stringify(own)}`;
  const said = got.map(({ body }) => JSON.parse(body) as { type: string; data: { status: string } });
  const isSaid = said.every(({ type, data }) => type === 'batch.completed' && data.status === status);
  return !isSaid && `said ${got[0]?.body}`;
}

/** The retried items' first jobs, which no longer are of a batch, were counted too. */
async function limitsWrong(sql: Client): Promise<(string | false)[]> {
  const rows = await sql<{ user_id: string; counted: number; jobs: number }[]>`
    select l.user_id, l.day_count as counted, (
        select count(*)::int from pdfprompt_job j where j.user_id = l.user_id
          and (j.batch_id is null or j.batch_row is not null)
      ) as jobs
    from pdfprompt_lane l where l.day = (now() at time zone 'utc')::date`;
  return rows.map(
    ({ user_id: user, counted, jobs }) => counted !== jobs && `${user}: ${counted} counted, ${jobs} jobs`,
  );
}

async function readResults(input: {
  ledger: PromisedBatch[];
  address: string;
  directory: string;
  batches: BatchRow[];
  itemsOf: (id: string) => ItemRow[];
}): Promise<{ count: number; wrong: (string | false)[] }> {
  let count = 0;
  const wrong: (string | false)[] = [];
  for (const { id, kind, key, run } of input.ledger) {
    const isOver = input.batches.find((batch) => batch.id === id)?.status === 'completed';
    if (!isOver || (kind !== 'merged' && kind !== 'zip')) continue;
    const items = input.itemsOf(id).filter(({ status }) => status === 'completed');
    const expected = items.map(({ batch_row: row }) => nonceOf(row ?? 0, run));
    const path = join(input.directory, id);
    try {
      await download(`${input.address}/v1/batches/${id}/${kind === 'merged' ? 'pdf' : 'zip'}`, key, path);
      const found = kind === 'merged' ? await noncesOfPages(path) : await noncesOfFiles(path, expected);
      count += found.length;
      wrong.push(found.length !== expected.length && `${kind} ${id}: ${found.length} of ${expected.length}`);
      wrong.push(...expected.map((nonce, index) => found[index]?.join() !== nonce && `${kind} ${id}: ${found[index]?.join()}, not ${nonce}`)); // prettier-ignore
    } catch (error) {
      wrong.push(`${kind} ${id}: ${String(error)}`);
    } finally {
      await rm(path, { force: true });
    }
  }
  return { count, wrong };
}

/** In the order in which they are expected; those that are not come last. */
async function noncesOfFiles(path: string, expected: string[]): Promise<string[][]> {
  const files = await noncesOfZip(path);
  const known = expected.map((nonce) => files.get(`${nonce}.pdf`) ?? []);
  const names = new Set(expected.map((nonce) => `${nonce}.pdf`));
  return [...known, ...[...files].filter(([name]) => !names.has(name)).map(([, nonces]) => nonces)];
}
