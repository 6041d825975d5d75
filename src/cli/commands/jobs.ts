import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { Config } from '../../config/load.ts';
import type { Database } from '../../db/pools.ts';
import type { JobFilter } from '../../domain/job-filter.ts';
import type { Job } from '../../domain/job.ts';
import type { ListedJob } from '../../jobs/search-jobs.ts';
import { CodedError, UsageError } from '../../kernel/errors.ts';
import { listenForSignals } from '../../runtime/signals.ts';
import { accountVerb } from '../account-verb.ts';
import { addJobFlags, FLAG_NAMES, readJobFlags } from '../job-flags.ts';
import { JOB_HEAD, jobRow, timelineRows } from '../job-rows.ts';
import { loggerFor, print, printJson, printRows, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';
import { toNumber } from '../to-number.ts';

type Options = Record<string, unknown> & { json?: boolean };

const LIST = 'pdfprompt jobs list';
/** Jobs of one query. */
const PAGE = 200;
const MOST = 100_000;

export function jobsCommand(): Command {
  return new Command('jobs')
    .description('Jobs of everybody, in the database of the settings')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(onEach('cancel', 'Cancel jobs, queued or running; one that has ended stays as it is'))
    .addCommand(onEach('retry', 'Print failed or cancelled jobs again, as new ones that count towards the limits'))
    .addCommand(tailCommand());
}

function listCommand(): Command {
  return addJobFlags(new Command('list').description('Jobs that fit every flag, the newest first'))
    .option('--limit <N>', `jobs at most, up to ${MOST}`, '50')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Examples:
  pdfprompt jobs list --status failed --after 2026-11-27
  pdfprompt jobs list --user ann@example.com --metadata order=A-17
  pdfprompt jobs list --error render_timeout | cut -f1 | pdfprompt jobs retry -`,
    )
    .action(async (options: Options & { limit: string }) => {
      const limit = toNumber(options.limit);
      if (!(limit >= 1 && limit <= MOST))
        throw new UsageError(`--limit: ${JSON.stringify(options.limit)} is not allowed; allowed: 1 to ${MOST}`);
      const jobs = await jobVerb(options, async (db) => findJobs(db, await readJobFlags(db, options), limit));
      if (options.json) return printJson({ data: jobs });
      if (jobs.length === 0) return warn('No job fits.');
      printRows(jobs.map(jobRow), JOB_HEAD);
    });
}

async function findJobs(db: Database, filter: JobFilter, limit: number): Promise<ListedJob[]> {
  const { searchJobs } = await import('../../jobs/search-jobs.ts');
  const found: ListedJob[] = [];
  let cursor: string | undefined;
  do {
    const page = await searchJobs(db, { filter, limit: Math.min(PAGE, limit - found.length), cursor });
    found.push(...page.jobs);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return found;
}

function showCommand(): Command {
  return new Command('show')
    .description('What is known of a job, but its document')
    .argument('<id>', `from \`${LIST}\``)
    .option('--json', 'one JSON document on stdout')
    .action(async (id: string, options: Options) => {
      const { readJobTimeline } = await import('../../jobs/job-timeline.ts');
      const { now: _, ...job } = await jobVerb(options, (db) => readJobTimeline(db, id));
      if (options.json) printJson(job);
      else printRows(timelineRows({ ...job, now: _ }));
    });
}

const DONE = {
  cancel: { verb: async () => (await import('../../runtime/command-jobs.ts')).cancelAnyJob, failed: 'not cancelled' },
  retry: { verb: async () => (await import('../../runtime/command-jobs.ts')).retryAnyJob, failed: 'not retried' },
} as const;

/** Stdout has the id of each job that is cancelled, or of each new one; stderr says which could not be, and why. */
function onEach(name: keyof typeof DONE, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('<id...>', `from \`${LIST}\`, or - for ids from stdin, one on a line`)
    .option('--json', 'one JSON document on stdout')
    .action(async (given: string[], options: Options) => {
      const ids = given.length === 1 && given[0] === '-' ? await idsOfStdin() : given;
      const verb = await DONE[name].verb();
      const results = await jobVerb(options, async (db, config) => {
        const log = await loggerFor('jobs', 'error');
        const done: { id: string; job?: Job; error?: string }[] = [];
        for (const id of ids) {
          const result = await verb({ db, config, log }, id).then((job) => ({ id, job }), refusal(id));
          done.push(result);
          if (!options.json && 'job' in result && isDone(name, result.job)) print(result.job.id);
        }
        return done;
      });
      const bad = results.flatMap(({ id, job, error = `it is ${job?.status}` }) =>
        job && isDone(name, job) ? [] : [`${id}: ${DONE[name].failed}: ${error}`],
      );
      if (bad.length > 0) process.exitCode = 1;
      for (const line of bad) warn(line);
      if (options.json)
        printJson({ data: results.map(({ id, job, error }) => ({ id, job: job?.id ?? null, status: job?.status ?? null, error: error ?? null })) }); // prettier-ignore
    });
}

const isDone = (name: keyof typeof DONE, { status }: Job) => name === 'retry' || status === 'cancelled';

/** One that is refused leaves the others. */
const refusal = (id: string) => (error: unknown) => {
  if (error instanceof CodedError) return { id, error: error.message };
  throw error;
};

async function idsOfStdin(): Promise<string[]> {
  return (await text(process.stdin)).split('\n').flatMap((line) => line.trim() || []);
}

function tailCommand(): Command {
  return addJobFlags(new Command('tail').description('A line for each change of a job, as it happens, until Ctrl-C'))
    .option('--json', 'a JSON document on each line')
    .action(async (options: Options) => {
      const { tailJobs } = await import('../../runtime/tail-jobs.ts');
      const stop = new AbortController();
      const stopListening = listenForSignals({ onFirst: () => stop.abort(), onNext: () => process.exit(1) });
      const onChange = (job: ListedJob, at: Date) => {
        if (options.json) return print(JSON.stringify({ at, ...job }));
        const { id, status, email, filename, errorCode } = job;
        printRows([[at.toISOString(), id, process.stdout.isTTY ? status.padEnd(10) : status, email, filename ?? '', errorCode ?? '']]); // prettier-ignore
      };
      try {
        const filter = await jobVerb(options, (db) => readJobFlags(db, options));
        const onReady = () => warn('Following; Ctrl-C ends it.');
        await tailJobs(readConfig(options), { filter, signal: stop.signal, onChange, onReady });
      } finally {
        stopListening();
      }
    });
}

function jobVerb<T>(options: Options, verb: (db: Database, config: Config) => Promise<T>): Promise<T> {
  return accountVerb(options, LIST, verb, { ...FLAG_NAMES, email: options.user === undefined ? '--email' : '--user' });
}
