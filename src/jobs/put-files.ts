import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database } from '../db/pools.ts';
import { job, unownedFile } from '../db/schema.ts';
import type { Outcome, PdfBytes } from '../domain/outcome.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import type { Stores } from '../storage/stores.ts';
import type { ClaimedJob } from './claim.ts';
import { abandonPuts, removeBytes } from './unowned-files.ts';

/** Files of one job that are put at a time. */
const PUTS_AT_A_TIME = 4;

/** Seconds after which the bytes of an abandoned put are removed once more. No put takes that long. */
const LATE_SECONDS = 3_600;

export interface PutDeps {
  db: Database;
  stores: Stores;
}

/** The files of one result: the same ones however often their finish is tried. */
export class ResultFiles {
  readonly files: readonly { id: string; pdf: PdfBytes }[];
  /** whether all of them are in the store, outside the database */
  arePut = false;

  constructor(outcome: Outcome) {
    const pdfs = outcome.kind === 'done' ? outcome.files : [];
    this.files = pdfs.map((pdf) => ({ id: uuidv7(), pdf }));
  }

  /** bytes of all */
  get size(): number {
    return this.files.reduce((sum, { pdf }) => sum + pdf.size, 0);
  }

  get pages(): number {
    return this.files.reduce((sum, { pdf }) => sum + pdf.pages, 0);
  }

  /** as {@link arrayLiteral} */
  get ids(): string {
    return arrayLiteral(this.files.map(({ id }) => id));
  }
}

/**
 * Puts the bytes into the store, if that is outside the database, after a row for each, by which they are removed
 * unless the finish is committed. What earlier runs of the job have left is removed.
 * @returns false if the run is over: nothing was put
 * @throws StoreFailure; the reason of `signal` if it is aborted
 */
export async function putFiles(
  { db, stores }: PutDeps,
  { id: jobId, run }: Pick<ClaimedJob, 'id' | 'run'>,
  result: ResultFiles,
  signal?: AbortSignal,
): Promise<boolean> {
  const store = stores.current;
  if (store.isInDatabase || result.arePut || result.files.length === 0) return true;
  const [own] = await db.execute(sql`
    with own as (
      select ${job.id} from ${job} where ${job.id} = ${jobId} and ${job.status} = 'processing' and ${job.runs} = ${run}
    ), announced as (
      insert into ${unownedFile} (id, store, location, job_id, run, remove_after)
      select file_id, ${store.kind}, ${store.location}, own.id, ${run}, now() + ${LATE_SECONDS} * interval '1 second'
      from own, unnest(${result.ids}::uuid[]) as file_id on conflict do nothing
    )
    select 1 from own`);
  if (!own) return false;
  if (run > 1) {
    const earlier = sql`${unownedFile.jobId} = ${jobId} and ${unownedFile.run} < ${run}`;
    await removeBytes({ db, stores }, await abandonPuts(db, earlier));
  }
  await forEachInSlots(result.files, PUTS_AT_A_TIME, ({ id, pdf }) => store.put(db, id, pdf, signal));
  result.arePut = true;
  return true;
}

/** Removes the bytes of a result that no transaction will name. What cannot be reached is left to the sweep. */
export async function dropFiles({ db, stores }: PutDeps, { ids, arePut }: ResultFiles): Promise<void> {
  if (!arePut) return;
  // Only what is still without an owner: the commit that names it may have been made, and its answer lost.
  await removeBytes({ db, stores }, await abandonPuts(db, sql`${unownedFile.id} = any (${ids}::uuid[])`));
}
