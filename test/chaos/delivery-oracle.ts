import type { Client } from '../../src/db/driver.ts';
import { LADDER } from '../../src/deliveries/ladder.ts';
import type { EndedAs, Endpoint, Tenant } from './ends.ts';
import type { Finding } from './oracle.ts';
import { type Got, RETRY_AFTER_SECONDS, type ReceiverKind, TAKING } from './receivers.ts';

interface Row {
  id: string;
  job_id: string;
  kind: 'webhook' | 'upload';
  webhook_id: string | null;
  url: string | null;
  event: string;
  status: string;
  attempts: number;
  is_over: boolean;
  tries: { number: number; status: number | null; error: string | null }[];
}

interface OracleInput {
  sql: Client;
  ledger: EndedAs[];
  tenants: Tenant[];
  got: Got[];
}

/** A delivery that there has to be: where it goes, and its row. */
interface Expected {
  job: EndedAs;
  target: { kind: ReceiverKind; path: string; endpoint?: Endpoint };
  isUpload: boolean;
  row: Row | undefined;
  got: Got[];
}

export const pathOf = (endpoint: Endpoint) => `/endpoint/${endpoint.id}`;
const withoutQuery = (path: string) => path.split('?')[0] ?? '';

/** Holds how jobs ended against what was received, and against the rows. */
export async function judgeDeliveries({ sql, ledger, tenants, got }: OracleInput): Promise<Finding[]> {
  const rows = await sql<Row[]>`
    select d.id, d.job_id, d.kind, d.webhook_id, d.url, d.event, d.status, d.attempts, d.ended_at is not null as is_over,
      (select coalesce(json_agg(json_build_object('number', a.number, 'status', a.status, 'error', a.error) order by a.number), '[]')
        from pdfprompt_delivery_attempt a where a.delivery_id = d.id) as tries
    from pdfprompt_delivery d`;
  const ofJob = Map.groupBy(rows, (row) => row.job_id);
  const ofPath = Map.groupBy(got, ({ path, id }) => `${id} ${withoutQuery(path)}`);
  const expected = ledger.flatMap((job) => expectedOf(job, ofJob.get(job.id) ?? [], ofPath));
  const known = new Set(expected.flatMap(({ row }) => row?.id ?? []));
  const find = (what: string, count: number, wrong: (string | false | undefined)[]): Finding => ({
    what,
    count,
    wrong: wrong.filter((each): each is string => typeof each === 'string'),
  });
  const each = (problem: (one: Expected & { row: Row }) => string | false | undefined) =>
    expected.map((one) => {
      const { row } = one;
      if (!row) return false;
      const text = problem({ ...one, row });
      return text && `${row.kind} ${row.id} to ${one.target.kind}: ${text}`;
    });
  const webhooks = got.filter(({ method }) => method === 'POST');
  const jobs = new Map(ledger.map((job) => [job.id, job]));
  const twice = expected.reduce(
    (sum, one) => sum + Math.max(0, one.got.filter(({ isTaken }) => isTaken).length - 1),
    0,
  );
  const deliverable = expected.filter(isDeliverable);
  const endpoints = tenants.flatMap((tenant) => tenant.endpoints);

  return [
    find('deliveries are what the ends of the jobs ask for: a row each, no other', expected.length, [
      ...expected.map(({ row, job, target }) => !row && `${job.id}: none to ${target.kind} ${target.path}`),
      ...rows.map((row) => !known.has(row.id) && `${row.id} of ${row.job_id} is one too many`),
    ]),
    find(
      'deliveries have ended',
      rows.length,
      rows.map((row) => !row.is_over && `${row.id} is ${row.status}`),
    ),
    find('deliveries to those who take them were received', deliverable.length, [
      ...each((one) => isDeliverable(one) && (one.row.status !== 'delivered' || !one.got.some(({ isTaken }) => isTaken)) && `${one.row.status}, ${JSON.stringify(one.row.tries)}`), // prettier-ignore
    ]),
    find(
      'the others are failed or cancelled, and nobody took them',
      expected.length - deliverable.length,
      each(endedWrong),
    ),
    find('requests are signed: by the secret in force, during a rotation by the one before too', webhooks.length, webhooks.map(({ signedBy, path }) => signedBy.length === 0 && path)), // prettier-ignore
    find('requests say how their job ended, the same at every try', webhooks.length, [
      ...webhooks.map((one) => saysOther(one, jobs)),
      ...each(({ got: tries }) => new Set(tries.map(({ body }) => body)).size > 1 && 'another body'),
    ]),
    find('files were put as they are', expected.filter(({ isUpload }) => isUpload).length, each(putOther)),
    find(
      'ids are one for each delivery',
      known.size,
      webhooks.map(({ id }) => !known.has(id) && `${id} is of no row`),
    ),
    find('tries are recorded, all but those whose process was killed', rows.reduce((sum, row) => sum + row.tries.length, 0), each(recordedWrong)), // prettier-ignore
    find(
      'tries are missing, so many times was something killed',
      expected.reduce((sum, { row }) => sum + (row ? row.attempts - row.tries.length : 0), 0),
      [],
    ),
    find('duplicates: what was taken again, each for a try that is missing', twice, each(takenTooOften)),
    find('later tries came when they were asked for', got.filter(({ status }) => status === 429).length, each(tooEarly)), // prettier-ignore
    find('redirects led nowhere', got.filter(({ status }) => status >= 300 && status < 400).length, got.map(({ kind, path }) => (kind === 'trap' || kind === 'untrusted') && path)), // prettier-ignore
    find('endpoints that are gone or fail for days are off, and no other', endpoints.length, await healthOf(sql, endpoints, expected)), // prettier-ignore
  ];
}

function expectedOf(job: EndedAs, rows: Row[], ofPath: Map<string, Got[]>): Expected[] {
  const { tenant, event, webhook, upload } = job;
  const endpoints = new Set(tenant.endpoints.filter(({ events }) => events.includes(event)));
  const asked = webhook && 'id' in webhook ? webhook : undefined;
  if (asked) endpoints.add(asked);
  const expected: Expected[] = [...endpoints].map((endpoint) => {
    const own = rows.filter(({ webhook_id }) => webhook_id === endpoint.id);
    const target = { kind: endpoint.kind, path: pathOf(endpoint), endpoint };
    return { job, target, isUpload: false, row: own.length === 1 ? own[0] : undefined, got: [] };
  });
  for (const [target, kind] of [
    [asked ? undefined : webhook, 'webhook'],
    [upload, 'upload'],
  ] as const) {
    if (!target || 'id' in target) continue;
    const own = rows.filter((row) => row.kind === kind && row.url?.includes(target.path));
    expected.push({ job, target, isUpload: kind === 'upload', row: own.length === 1 ? own[0] : undefined, got: [] });
  }
  for (const one of expected)
    if (one.row) one.got = ofPath.get(`${one.isUpload ? '' : one.row.id} ${one.target.path}`) ?? [];
  return expected;
}

const isDeliverable = ({ target, isUpload, job }: Expected) =>
  TAKING.includes(target.kind) && !(isUpload && job.event !== 'job.completed');

function endedWrong(one: Expected & { row: Row }): string | false {
  if (isDeliverable(one)) return false;
  const { row, got, isUpload, job, target } = one;
  const should = isUpload && job.event !== 'job.completed' ? 'cancelled' : 'failed';
  if (row.status !== should) return row.status;
  if (got.some(({ isTaken }) => isTaken)) return 'was taken';
  if (should === 'cancelled') return got.length > 0 && 'was sent';
  // Of a URL there is nobody to switch off: it has all its tries, but where the receiver said that it is gone.
  const tries = target.kind === 'gone' ? 1 : LADDER.length + 1;
  return !target.endpoint && row.attempts < tries && `given up after ${row.attempts} tries`;
}

function saysOther({ body, path, id }: Got, jobs: Map<string, EndedAs>): string | false {
  const { type, data } = JSON.parse(body) as { type: string; data: { id: string; size: number } };
  const job = jobs.get(data.id);
  const size = job?.event === 'job.completed' ? job.bytes.length : 0;
  return (type !== job?.event || data.size !== size) && `${id} to ${path}: ${body}`;
}

function putOther({ isUpload, got, job }: Expected): string | false {
  if (!isUpload) return false;
  const wrong = got.find(({ method, body, headers, path }) => {
    const isWhole = body === job.bytes && headers['content-length'] === String(job.bytes.length);
    return !isWhole || method !== 'PUT' || headers['content-type'] !== 'application/pdf' || !path.endsWith(`/${String(headers['x-number'])}?X-Amz-Signature=abc`); // prettier-ignore
  });
  return wrong !== undefined && `${wrong.method} ${wrong.body.length} of ${job.bytes.length} bytes, ${JSON.stringify(wrong.headers)}`; // prettier-ignore
}

function recordedWrong({ row, got }: Expected & { row: Row }): string | false {
  const { tries, attempts, status } = row;
  const last = tries.at(-1);
  const good = tries.filter(
    (one) => one.error === null && one.status !== null && one.status >= 200 && one.status < 300,
  );
  const answered = tries.filter((one) => one.status !== null);
  if (tries.some(({ number }) => number < 1 || number > attempts))
    return `${attempts} attempts, ${JSON.stringify(tries)}`;
  if (status === 'delivered' && (good.length !== 1 || last !== good[0] || last?.number !== attempts)) return `delivered, ${JSON.stringify(tries)}`; // prettier-ignore
  if (status !== 'delivered' && good.length > 0) return `${status}, ${JSON.stringify(tries)}`;
  return answered.length > got.length && `${got.length} requests, ${JSON.stringify(tries)}`;
}

function takenTooOften({ row, got }: Expected & { row: Row }): string | false {
  const taken = got.filter(({ isTaken }) => isTaken).length;
  const missing = row.attempts - row.tries.length;
  return taken > 1 + missing && `taken ${taken} times, ${missing} tries are missing`;
}

/** Of a try whose process was killed nobody knows what was asked for. */
function tooEarly({ got, row }: Expected & { row: Row }): string | undefined {
  if (row.tries.length < row.attempts) return undefined;
  const early = got.find((one, index) => {
    const next = got[index + 1];
    return one.status === 429 && next && next.atSeconds - one.atSeconds < RETRY_AFTER_SECONDS - 2 * one.stepSeconds;
  });
  return early && `${got.map(({ atSeconds }) => Math.round(atSeconds)).join(' ')} s`;
}

async function healthOf(sql: Client, endpoints: Endpoint[], expected: Expected[]): Promise<(string | false)[]> {
  const rows = await sql<{ id: string; off_reason: string | null }[]>`select id, off_reason from pdfprompt_webhook`;
  return endpoints.map(({ id, kind }) => {
    const isUsed = expected.some(({ target }) => target.endpoint?.id === id);
    const should = !isUsed || TAKING.includes(kind) ? null : kind === 'gone' ? 'gone' : 'failing';
    const reason = rows.find((row) => row.id === id)?.off_reason;
    return reason !== should && `${kind} ${id} is off for ${reason}, not ${should}`;
  });
}
