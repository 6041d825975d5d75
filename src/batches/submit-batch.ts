import { setImmediate as nextTurn } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { type Allowance, allowances, limitsOf, LimitReached } from '../accounts/limits.ts';
import { type Database, postgresErrorOf } from '../db/pools.ts';
import { type Batch, MAX_ITEMS } from '../domain/batch.ts';
import { type BatchHead, batchHeadSchema, type ItemSource } from '../domain/batch-request.ts';
import { checkInput } from '../domain/check-input.ts';
import type { ResultSettings } from '../domain/finishing.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import { checkRetention } from '../jobs/check-retention.ts';
import { checkTargets } from '../jobs/check-targets.ts';
import { ofRequest } from '../jobs/refusals.ts';
import { type SubmitDeps, type SubmitInput } from '../jobs/submit.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import type { Composer } from '../templating/composer.ts';
import { batchRefusalOf } from './batch-refusals.ts';
import { BadRows } from './bad-rows.ts';
import { findKey, SentHash } from './batch-keys.ts';
import { type AcceptedRow, type CheckedRows, RowChecker } from './check-rows.ts';
import { refuseDataColumns } from './data-columns.ts';
import { insertBatch } from './insert-batch.ts';
import { hasSource, type ItemShape, itemShape, type StoreFiles } from './item-shape.ts';
import { getBatch } from './read-batch.ts';
import { RowIds } from './row-ids.ts';
import type { SentRows } from './sent-row.ts';
import { type Scratch, Spool } from './spool.ts';

export interface SubmitBatchDeps extends SubmitDeps {
  /** checks rows by the schema of a template */
  composer: Pick<Composer, 'check'>;
}

export interface SubmitBatchInput extends Pick<
  SubmitInput,
  'principal' | 'idempotencyKey' | 'requestId' | 'traceparent'
> {
  /** all that was sent but the items, not checked */
  head: unknown;
  /** of what was sent, from its beginning each time */
  rows: () => SentRows;
  storeFiles: StoreFiles;
  /** the text of the `schema.json` of a version of a template, if it has one */
  schemaOf: (versionId: string) => Promise<string | undefined>;
  /** for what is good, until it is written */
  scratch: Scratch;
  /** runs what writes within the tenant's share */
  writing: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface SubmittedBatch {
  batch: Batch;
  /** false if an earlier request with the idempotency key had created it */
  created: boolean;
  /** what is left of each limit of the tier; empty if the batch was not created */
  allowances: Allowance[];
}

/** Problems of rows that were left out that are kept with the batch. */
const MAX_SKIPPED_ROWS = 100;

/** The error of `pdfprompt_open_batch` in the database that is no refusal. */
const KEY_IN_USE = 'PDF02';

/**
 * Accepts a batch within the tier's limits: all its items, or none of them.
 * @throws CodedError `invalid_request` that lists the rows that are not valid; `idempotency_mismatch`; `template_failed` if
 *   the template's schema cannot be used
 * @throws LimitReached
 */
export async function submitBatch(deps: SubmitBatchDeps, input: SubmitBatchInput): Promise<SubmittedBatch> {
  const { principal, requestId, traceparent } = input;
  const { userId, tier } = principal;
  const about = { userId, tier: tier.name, requestId, traceId: traceIdOf(traceparent) };
  // A repeated request gets its batch, whatever became of its template, or of the limits.
  const known = await findRepeated(deps, input);
  if (known) return known;
  const prepared = await prepare(deps, input);
  const { total } = prepared;
  try {
    const use = await input.writing(() =>
      insertBatch(deps.db, { ...prepared, userId, idempotencyKey: input.idempotencyKey, requestId, traceparent }),
    );
    crashPoint('batch.committed');
    deps.events.bulk.batchSubmitted({ batchId: prepared.id, ...about, items: total, skipped: prepared.skipped });
    const batch = await getBatch(deps.reads, { userId, batchId: prepared.id });
    return { batch, created: true, allowances: allowances(limitsOf(use), use) };
  } catch (error) {
    if (postgresErrorOf(error)?.code === KEY_IN_USE) {
      const repeated = await findRepeated(deps, input, prepared.sentHash);
      if (repeated) return repeated;
      throw new CodedError('unavailable', 'the batch of this idempotency key was just deleted; try again', { retryAfterSeconds: 1 }); // prettier-ignore
    }
    const reached = (await batchRefusalOf(error, { limiter: deps.limiter, userId, items: () => total })) ?? error;
    if (reached instanceof LimitReached) deps.events.rateLimited({ ...about, limit: reached.limit });
    throw reached;
  }
}

/** The batch that an earlier request with the idempotency key has created. @throws CodedError `idempotency_mismatch` */
async function findRepeated(
  { reads }: { reads: Database },
  input: SubmitBatchInput,
  sentHash?: string,
): Promise<SubmittedBatch | undefined> {
  const { userId } = input.principal;
  const { idempotencyKey } = input;
  const found = idempotencyKey === undefined ? undefined : await findKey(reads, { userId, idempotencyKey });
  if (!found) return undefined;
  const hash = new SentHash(input.head);
  if (sentHash === undefined) await hash.addAll(input.rows());
  if (found.hash !== (sentHash ?? hash.hex()))
    throw new CodedError(
      'idempotency_mismatch',
      'Idempotency-Key: it was used with another body; allowed: the same body again, or a new key',
    );
  return { batch: await getBatch(reads, { userId, batchId: found.id }), created: false, allowances: [] };
}

/** What is to be written, checked, and in temporary files. */
async function prepare(deps: SubmitBatchDeps, input: SubmitBatchInput) {
  const { principal, idempotencyKey, scratch } = input;
  const { userId } = principal;
  const head = checkInput(batchHeadSchema, input.head);
  const shapes = new Map<ItemSource | undefined, Promise<ItemShape>>();
  const shapeOf = (source: ItemSource | undefined) => {
    const known = shapes.get(source);
    if (known) return known;
    const shape = itemShape({ reads: deps.reads, storeFiles: input.storeFiles }, { userId, request: head.request, source }); // prettier-ignore
    shape.catch(() => undefined); // those who wait for it report it
    shapes.set(source, shape);
    return shape;
  };
  const isWhole = hasSource(head.request);
  const version = isWhole ? (await shapeOf(undefined)).version : undefined;
  const checker = new RowChecker({
    composer: deps.composer,
    tenant: userId,
    expected: { hasSource: isWhole, isTemplate: version !== undefined, hasFiles: head.request.files !== undefined },
    shapeOf,
    schema: version && (await input.schemaOf(version.id)),
  });
  const hash = idempotencyKey === undefined ? undefined : new SentHash(input.head);
  const id = uuidv7();
  const ids = new RowIds();
  const spools = { parts: new Spool(scratch), items: new Spool(scratch) };
  const bad = new BadRows();
  let sent = 0;
  let total = 0;
  const take = async ({ accepted, problems }: CheckedRows) => {
    total += accepted.length;
    for (const [row, wrong] of problems) bad.add(row, wrong);
    const isRefused = bad.count > 0 && head.onBadRow === 'refuse';
    if (!isRefused && accepted.length > 0) await writeRows({ ...spools, ids }, accepted);
  };
  // While one piece is checked in its process, the next one is read.
  let before: Promise<CheckedRows> | undefined;
  for await (const piece of input.rows()) {
    sent += piece.length;
    if (sent > MAX_ITEMS) throw invalidFields([{ field: 'items', message: `allowed: at most ${MAX_ITEMS} items` }]);
    if (hash) {
      hash.add(piece);
      await nextTurn(); // a row may be large
    }
    if (!version) refuseDataColumns(piece);
    const checking = checker.check(piece);
    checking.catch(() => undefined); // reported when it is taken
    if (before) await take(await before);
    before = checking;
  }
  if (!before) throw invalidFields([{ field: 'items', message: 'required: at least one item' }]);
  await take(await before);
  if (bad.count > 0 && (head.onBadRow === 'refuse' || total === 0)) throw bad.refusal(sent);
  const [[, shaping] = []] = shapes;
  const shape = await (shaping ?? shapeOf(undefined));
  checkTogether(deps, head, shape);
  return {
    id,
    shape,
    total,
    result: head.result,
    filename: head.filename,
    metadata: head.metadata,
    skipped: bad.count,
    skippedRows: bad.listed.slice(0, MAX_SKIPPED_ROWS),
    sentHash: hash?.hex(),
    ...spools,
  };
}

/** Ids are in the order of rows. */
async function writeRows(
  { parts, items, ids: rowIds }: { parts: Spool; items: Spool; ids: RowIds },
  rows: readonly AcceptedRow[],
): Promise<void> {
  const ids = rowIds.of(rows);
  const ofParts = rows.map(({ kind, content, data, shown, settings }, index) => {
    const own = JSON.stringify({ id: ids[index], kind, content, shown, settings });
    return data === undefined ? own : `${own.slice(0, -1)},"data":${data}}`;
  });
  const ofItems = rows.map(({ row, filename, metadata }, index) => ({ id: ids[index], row, filename, metadata }));
  await parts.write(`[${ofParts.join(',')}]`);
  await items.write(JSON.stringify(ofItems));
}

/** What an item may be, and a merged PDF of items cannot keep, with the reason. */
const NOT_MERGED = {
  output: 'only PDFs are merged',
  split: 'all items become one file',
  'finishing.encrypt': 'a PDF with a password cannot be merged',
  'finishing.sign': 'a signature does not survive a merge',
  'finishing.conformance': 'the merged PDF claims nothing',
  'finishing.facturx': 'a PDF holds the XML of one invoice',
};

const isAsked = (settings: ResultSettings | undefined, path: string) =>
  path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], settings) !==
  undefined;

/** @throws CodedError if the batch cannot end as it is asked to */
function checkTogether({ egress, ...bound }: SubmitDeps, { result }: BatchHead, { request }: ItemShape): void {
  const problems = [];
  const { result: asked, deliveries } = request;
  if (deliveries?.upload && result !== 'merged')
    problems.push({ field: 'request.upload', message: 'it takes one file; allowed with result merged' });
  if (deliveries?.upload?.reports?.length)
    problems.push({
      field: 'request.upload.reports',
      message: 'a batch has none; allowed: webhook, which says how it ended',
    });
  if (request.runAt !== undefined)
    problems.push({ field: 'request.runAt', message: 'a batch begins now; allowed with POST /v1/jobs' });
  if (result === 'merged')
    for (const [name, why] of Object.entries(NOT_MERGED))
      if (isAsked(asked, name)) problems.push({ field: `request.${name}`, message: `${why}; allowed with result files or zip` }); // prettier-ignore
  if (problems.length > 0) throw invalidFields(problems);
  try {
    checkRetention(bound, request);
    if (egress && deliveries) checkTargets(egress, deliveries);
  } catch (error) {
    throw ofRequest(error);
  }
}
