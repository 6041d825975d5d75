import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { Command } from 'commander';
import type { Config } from '../../config/load.ts';
import type { Database } from '../../db/pools.ts';
import { messageOf, OperatorError, UsageError } from '../../kernel/errors.ts';
import type { HttpClient } from '../../planning/http-client.ts';
import type { LoadPlan } from '../../planning/load-plan.ts';
import type { LoadProgress } from '../../planning/load-run.ts';
import type { TestUsers } from '../../planning/test-users.ts';
import { accountVerb } from '../account-verb.ts';
import { type BenchOptions, DEFAULT_TIERS, parseBenchOptions } from '../bench-options.ts';
import { loadProgressText, loadReportText } from '../load-report-text.ts';
import { print, printJson, progress, warn } from '../output.ts';
import { addSettingFlags, readConfig } from '../settings-flags.ts';

const LIST = 'pdfprompt keys list';
/** Where nobody is watching, a line is written so often. */
const LINE_MS = 5_000;
/** How long the keys outlive the load, should nobody be there to end them. */
const SPARE_MS = 15 * 60_000;

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('Put a load on a running service, and say whether it keeps to its targets')
    .option('--url <url>', 'the service', 'http://127.0.0.1:3000')
    .option('--users <n>', 'users at a time', '100')
    .option('--tiers <shares>', `their tiers (default: ${DEFAULT_TIERS})`)
    .option('--rate <n>', "PDFs a minute of each user (default: a tenth of what the user's tier allows)")
    .option('--pdfs-per-hour <n>', 'PDFs an hour of all users together, instead of --rate')
    .option('--mix <shares>', 'what is printed', 'invoice:60,ticket:30,report:10')
    .option('--duration <time>', 'how long there is load', '30s')
    .option('--ramp <time>', 'in which the load rises, part of the duration; half of it at most', '10s')
    .option('--timeout <time>', 'after which one PDF is given up', '60s')
    .option('--max-in-flight <n>', 'PDFs under way at a time; more are not sent, and are errors', '2000')
    .option('--seed <n>', 'another seed is another order of arrivals', '1')
    .option('--key <key>', 'all load is from the user of this key; no users are made')
    .option('--target-p95 <time>', 'turnaround at p95, at most', '5s')
    .option('--target-errors <part>', 'errors and failed jobs, at most', '1%')
    .option('--target-pdfs-per-hour <n>', 'PDFs completed, at least; 1.2 times as many are sent unless a rate is given')
    .option('--report <file>', 'an HTML page with everything, for a browser')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Exit codes: 0 the targets are met, 1 they are not, 2 wrong usage; 130 and 143 ended by a signal, after the report.
Not for a service in use: it gets the load besides.`,
    )
    .action(bench);
  return addSettingFlags(command, 'bench');
}

async function bench(options: BenchOptions): Promise<void> {
  const plan = parseBenchOptions(options);
  const config = readConfig(options);
  if (options.report !== undefined) await writeFile(options.report, '').catch(cannotWrite);
  const { runLoadTest } = await import('../../planning/load-test.ts');
  const { listenForSignals } = await import('../../runtime/signals.ts');
  const run = randomBytes(4).toString('hex');
  const stop = new AbortController();
  const forceStop = new AbortController();
  let signal: NodeJS.Signals | undefined;
  const stopListening = listenForSignals({
    onFirst: (which) => {
      signal = which;
      stop.abort();
    },
    onNext: () => forceStop.abort(),
  });
  const desk = new Desk({ options, config, plan, run, signal: stop.signal });
  const live = new LiveLine();
  try {
    const report = await runLoadTest({
      plan,
      run,
      users: (client) => desk.users(client),
      signal: stop.signal,
      forceStop: forceStop.signal,
      onProgress: (now) => live.show(now),
    });
    live.end();
    if (report !== undefined) {
      if (options.report !== undefined) {
        const { loadReportPage } = await import('../../planning/load-report-page.ts');
        await writeFile(options.report, loadReportPage(report)).catch(cannotWrite);
      }
      if (options.json) printJson(report);
      else print(loadReportText(report));
      if (!report.verdict.met) process.exitCode = 1;
    } else warn('pdfprompt: ended before the load began');
    if (signal !== undefined) process.exitCode = 128 + constants.signals[signal];
  } finally {
    live.end();
    await desk.close();
    stopListening();
  }
}

interface DeskOptions {
  options: BenchOptions;
  config: Config;
  plan: LoadPlan;
  run: string;
  signal: AbortSignal;
}

/** Where the users come from: a key that is given, an admin key, or one that is made in the database for the occasion. */
class Desk {
  readonly #options: DeskOptions;
  #ownOperator: string | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  async users(client: HttpClient): Promise<TestUsers> {
    const { options, config, plan, run, signal } = this.#options;
    const { createTestUsers, shareOneKey } = await import('../../planning/test-users.ts');
    if (options.key !== undefined) return shareOneKey(client, options.key, plan.users);
    const expiresAt = new Date(Date.now() + plan.durationMs + plan.timeoutMs + SPARE_MS);
    const adminKey = config.adminKey ?? (await this.#makeAdminKey(expiresAt));
    const keyName =
      config.adminKey === undefined ? 'The key that was made in the database of the settings' : 'The admin key';
    const { users: count, tiers } = plan;
    return createTestUsers({ client, adminKey, keyName, run, count, tiers, expiresAt, signal, onProgress: progress });
  }

  /** Erases the operator, if they were made here. */
  async close(): Promise<void> {
    const email = this.#ownOperator;
    if (email === undefined) return;
    const { eraseUserByEmail } = await import('../../runtime/erase-user.ts');
    const erase = (db: Database, config: Config) => eraseUserByEmail({ db, config }, email);
    await accountVerb(this.#options.options, LIST, erase).catch((error: unknown) => {
      warn(
        `pdfprompt: the operator ${email} of this test could not be erased (${messageOf(error)}); the key ends by itself`,
      );
    });
  }

  async #makeAdminKey(expiresAt: Date): Promise<string> {
    const { options, config, plan, run } = this.#options;
    const isHere = /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(plan.url).hostname);
    if (config.databaseUrl === undefined && !isHere)
      throw new UsageError(
        'It needs a key with the scope admin to make users; allowed: --admin-key or PDFPROMPT_ADMIN_KEY, --key with the key of one user, or DATABASE_URL with the database of the service',
      );
    const { createKey } = await import('../../accounts/keys.ts');
    const email = `bench-${run}@bench.invalid`;
    const wanted = { email, scopes: ['admin' as const], expiresAt: expiresAt.toISOString() };
    const { key } = await accountVerb(options, LIST, (db) => createKey(db, wanted));
    this.#ownOperator = email;
    return key;
  }
}

/** How it is going, on stderr: one line that changes on a terminal, a line now and then elsewhere. */
class LiveLine {
  #writtenAt = 0;
  #isOpen = false;

  show(now: LoadProgress): void {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r${loadProgressText(now).slice(0, (process.stderr.columns || 80) - 1)}\u001b[K`);
      this.#isOpen = true;
    } else if (now.elapsedMs - this.#writtenAt > LINE_MS - 500) {
      this.#writtenAt = now.elapsedMs;
      warn(loadProgressText(now));
    }
  }

  end(): void {
    if (this.#isOpen) process.stderr.write('\n');
    this.#isOpen = false;
  }
}

function cannotWrite(error: unknown): never {
  throw new OperatorError(`--report: ${messageOf(error)}`, { cause: error });
}
