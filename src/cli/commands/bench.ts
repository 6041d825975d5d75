import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { Command } from 'commander';
import type { Config } from '../../config/load.ts';
import { messageOf, OperatorError, UsageError } from '../../kernel/errors.ts';
import { isLoopbackUrl } from '../../kernel/loopback.ts';
import type { HttpClient } from '../../planning/http-client.ts';
import { DEFAULT_MIX, DEFAULT_TIERS, type LoadPlan, parseLoadPlan } from '../../planning/load-plan.ts';
import { accountVerb } from '../account-verb.ts';
import { loadReportText } from '../load-report-text.ts';
import { errorJson } from '../error-json.ts';
import { print, printJson, progress, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

const LIST = 'pdfprompt keys list';
/** How long the keys are valid after the load, in case the test is killed before it can revoke them. */
const SPARE_MS = 15 * 60_000;

type BenchOptions = Record<string, unknown> & { key?: string; report?: string; json?: boolean };

export function benchCommand(): Command {
  return new Command('bench')
    .description('Put a load on a running service, and say whether it keeps to its targets')
    .option('--url <url>', 'the service', 'http://127.0.0.1:3000')
    .option('--users <n>', 'users at a time', '100')
    .option('--tiers <shares>', `their tiers (default: ${DEFAULT_TIERS})`)
    .option('--rate <n>', "PDFs a minute of each user (default: a tenth of what the user's tier allows)")
    .option('--pdfs-per-hour <n>', 'PDFs an hour of all users together, instead of --rate')
    .option('--mix <shares>', 'what is printed', DEFAULT_MIX)
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
Not for a service in use: its users would wait behind the load.`,
    )
    .action(bench);
}

async function bench(options: BenchOptions): Promise<void> {
  const plan = parseLoadPlan(options);
  const config = readConfig(options);
  const writeReport = async (text: string) => {
    if (options.report === undefined) return;
    await writeFile(options.report, text).catch((error: unknown) => {
      throw new OperatorError(`--report: ${messageOf(error)}`, { cause: error });
    });
  };
  await writeReport(''); // a path that cannot be written is better reported before the test
  const { runLoadTest } = await import('../../planning/load-test.ts');
  const { createTestUsers, shareOneKey } = await import('../../planning/test-users.ts');
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
  const operator = `bench-${run}@bench.invalid`;
  let isOperatorCreated = false;
  const users = async (client: HttpClient) => {
    const { users: count, tiers } = plan;
    if (options.key !== undefined) return shareOneKey(client, options.key, count);
    const expiresAt = new Date(Date.now() + plan.durationMs + plan.timeoutMs + SPARE_MS);
    const isOwn = config.adminKey === undefined;
    const adminKey = config.adminKey ?? (await createAdminKey(options, config, { plan, email: operator, expiresAt }));
    isOperatorCreated = isOwn;
    const keyName = isOwn ? 'The key that was created in the database of the settings' : 'The admin key';
    const test = { client, run, count, tiers, expiresAt, signal: stop.signal, onProgress: progress };
    return createTestUsers({ ...test, adminKey, keyName });
  };
  const live = liveLine();
  try {
    const report = await runLoadTest({
      plan,
      run,
      users,
      signal: stop.signal,
      forceStop: forceStop.signal,
      onProgress: live.show,
    });
    live.end();
    if (report === undefined) {
      warn('pdfprompt: ended before the load began');
      if (options.json) printJson(errorJson(new OperatorError('ended before the load began')));
    } else {
      const { loadReportPage } = await import('../../planning/load-report-page.ts');
      await writeReport(await loadReportPage(report));
      if (options.json) printJson(report);
      else print(loadReportText(report));
      if (!report.verdict.met) process.exitCode = 1;
    }
    if (signal !== undefined) process.exitCode = 128 + constants.signals[signal];
  } finally {
    live.end();
    if (isOperatorCreated) await eraseOperator(options, operator);
    stopListening();
  }
}

/** Of a user created in the database of the settings, for this test. */
async function createAdminKey(
  options: BenchOptions,
  config: Config,
  { plan, email, expiresAt }: { plan: LoadPlan; email: string; expiresAt: Date },
): Promise<string> {
  if (config.databaseUrl === undefined && !isLoopbackUrl(plan.url))
    throw new UsageError(
      'It needs a key with the scope admin to create users; allowed: --admin-key or PDFPROMPT_ADMIN_KEY, --key with the key of one user, or DATABASE_URL with the database of the service',
    );
  const { createKey } = await import('../../accounts/keys.ts');
  const wanted = { email, scopes: ['admin' as const], expiresAt: expiresAt.toISOString() };
  return (await accountVerb(options, LIST, (db) => createKey(db, wanted))).key;
}

async function eraseOperator(options: BenchOptions, email: string): Promise<void> {
  const { eraseUserByEmail } = await import('../../runtime/erase-user.ts');
  await accountVerb(options, LIST, (db, config) => eraseUserByEmail({ db, config }, email)).catch((error: unknown) => {
    warn(`pdfprompt: the operator ${email} could not be erased (${messageOf(error)}); the key expires by itself`);
  });
}

/** Progress on stderr: one line that changes on a terminal, else every fifth line. */
function liveLine() {
  let count = 0;
  return {
    show: (line: string) => {
      count++;
      if (process.stderr.isTTY) process.stderr.write(`\r${line.slice(0, (process.stderr.columns || 80) - 1)}\u001b[K`);
      else if (count % 5 === 0) warn(line);
    },
    end: () => {
      if (count > 0 && process.stderr.isTTY) process.stderr.write('\n');
      count = 0;
    },
  };
}
