import { once } from 'node:events';
import type { Config } from '../config/load.ts';
import { Notifier } from '../db/notifier.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import { ChangedJobs } from '../jobs/changed-jobs.ts';
import type { ListedJob } from '../jobs/search-jobs.ts';
import { openConfiguredPool, openDatabase } from './database.ts';

/** Milliseconds between checks while a job is under way: that a worker takes one is not announced. */
const CHECK_MS = 500;

interface TailInput {
  filter: JobFilter;
  /** ends it */
  signal: AbortSignal;
  onReady: () => void;
  /** @param at when it was seen */
  onChange: (job: ListedJob, at: Date) => void;
}

/** Calls back for each change of a job that a filter finds, until the signal aborts. */
export async function tailJobs(config: Config, { filter, signal, onReady, onChange }: TailInput): Promise<void> {
  const handle = await openDatabase({ config, onProgress: () => undefined });
  const pool = openConfiguredPool(config, { url: handle.url, applicationName: 'pdfprompt command', max: 2 });
  const notifier = new Notifier({
    url: handle.directUrl,
    applicationName: 'pdfprompt command',
    connectTimeoutMs: config.databaseConnectTimeoutMs,
    events: ['queued', 'scheduled', 'jobs'],
  });
  try {
    const wake = new EventTarget();
    let hasNews = false;
    const ended = new Set<string>();
    const announce = () => {
      hasNews = true;
      wake.dispatchEvent(new Event('news'));
    };
    notifier.on('queued', signal, announce);
    notifier.on('scheduled', signal, announce);
    notifier.on('missed', signal, announce);
    notifier.on('jobs', signal, (payload) => {
      const { id } = JSON.parse(payload) as { id?: string };
      if (id !== undefined) ended.add(id);
      announce();
    });
    await notifier.start();
    const changed = new ChangedJobs(pool.db, filter, Date.now());
    await changed.check([]); // what is there already
    onReady();
    while (!signal.aborted) {
      if (!hasNews) await newsOrTime(wake, changed.isWaiting ? CHECK_MS : undefined, signal);
      hasNews = false;
      const ids = [...ended];
      ended.clear();
      if (!signal.aborted) for (const job of await changed.check(ids)) onChange(job, new Date());
    }
  } finally {
    await notifier.stop();
    await pool.close();
    await handle.release();
  }
}

async function newsOrTime(wake: EventTarget, ms: number | undefined, signal: AbortSignal): Promise<void> {
  const signals = [signal, ...(ms === undefined ? [] : [AbortSignal.timeout(ms)])];
  await once(wake, 'news', { signal: AbortSignal.any(signals) }).catch(() => undefined); // the time, or the end
}
