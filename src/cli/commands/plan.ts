import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { Config } from '../../config/load.ts';
import { queuedJobs } from '../../domain/queue-figures.ts';
import { messageOf, UsageError } from '../../kernel/errors.ts';
import {
  BUILT_IN_CALIBRATION,
  type Calibration,
  readCalibration,
  saveCalibration,
} from '../../planning/calibration.ts';
import { ASSUMPTIONS, planCapacity } from '../../planning/capacity.ts';
import { FlagValues } from '../../planning/flag-values.ts';
import { DEFAULT_PRICES, readPrices, type Setup, SETUPS } from '../../planning/prices.ts';
import { SAMPLE_DOCUMENTS } from '../../planning/sample-documents.ts';
import { seededRandom } from '../../planning/seeded-random.ts';
import { fractionsOf } from '../../planning/shares.ts';
import { accountVerb } from '../account-verb.ts';
import { loggerFor, print, printJson, printRows, progress, warn } from '../output.ts';
import { assumptionsOf, planReport } from '../plan-report.ts';
import { readConfig } from '../settings-flags.ts';

type PlanOptions = Record<string, unknown> & {
  mix?: string;
  workerSize?: string;
  setup: Setup;
  prices?: string;
  printPrices?: boolean;
  /** seconds, or true */
  calibrate?: string | true;
  document?: string[];
  fromDatabase?: boolean;
  now?: boolean;
  json?: boolean;
};

const DEFAULT_MIX = 'invoice:80,ticket:15,report:5';
const CALIBRATION_SECONDS = 27;
const MOST_USERS = 100_000_000;

export function planCommand(): Command {
  return new Command('plan')
    .description('What so many users need: workers, memory, connections, disk, cost, and how long they will wait')
    .option('--users <N>', 'users, each with half a PDF in the busiest hour')
    .option('--pdfs-per-hour <N>', 'PDFs in the busiest hour')
    .option('--mix <parts>', `documents and their parts, such as ${DEFAULT_MIX} (default: that, or all alike)`)
    .option('--target-p95 <time>', 'within which 95 % of documents are done', `${ASSUMPTIONS.targetP95Ms / 1000}s`)
    .option('--worker-size <cores x GB>', 'machine of a worker: 2x4, 4x8, 8x16 (default: the cheapest that does)')
    .addOption(new Option('--setup <setup>', 'who runs machines and database').choices(SETUPS).default('managed'))
    .option(
      '--peak-factor <N>',
      'the busiest minutes, beside the average of their hour',
      String(ASSUMPTIONS.peakFactor),
    )
    .option('--spare <N>', `workers beyond the load (default: 1 from ${ASSUMPTIONS.spareFrom} PDFs an hour on)`)
    .option('--prices <file>', 'a price table of yours')
    .option('--print-prices', 'the price table to start from')
    .option(
      '--calibrate [seconds]',
      `measure here what documents cost, and keep it for later (${CALIBRATION_SECONDS} s)`,
    )
    .option('--document <name=file>', 'HTML to calibrate with, instead of the samples; may be given again', collect)
    .option('--from-database', 'take what documents cost from the last jobs of the database')
    .option('--now', 'what is queued in the database now, and how many workers it takes')
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Examples:
  pdfprompt plan --users 10000
  pdfprompt plan --calibrate --document invoice=invoice.html --document label=label.html
  pdfprompt plan --pdfs-per-hour 20000 --mix invoice:70,label:30 --target-p95 2s --setup self-hosted
  pdfprompt plan --print-prices > prices.json
  pdfprompt plan --now`,
    )
    .action(async (options: PlanOptions) => {
      const config = readConfig(options);
      if (options.now) return printNow(options);
      if (options.printPrices) return print(JSON.stringify(DEFAULT_PRICES, null, 2));
      const isMeasured = options.calibrate !== undefined || options.fromDatabase === true;
      const load = readLoad(options, isMeasured);
      const calibration = await calibrationFor(options, config);
      if (load) await printPlan(options, { config, calibration, load });
      else if (options.json) printJson({ calibration });
      else printCosts(calibration);
    });
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** The same figures as the metric `desired_workers` and `GET /v1/admin/queue`. */
async function printNow(options: PlanOptions): Promise<void> {
  const { readQueueFigures } = await import('../../jobs/queue-watch.ts');
  const figures = await accountVerb(options, 'pdfprompt serve', readQueueFigures);
  if (options.json) return printJson(figures);
  const { workers, desiredWorkers, items, processing, oldestSeconds, arrivalsPerSecond, perWorkerPerSecond } = figures;
  printRows([
    ['desired workers', String(desiredWorkers)],
    ['workers', String(workers)],
    ['queued', `${queuedJobs(figures)}, the oldest for ${oldestSeconds.toFixed(0)} s`],
    ['items of batches', String(items)],
    ['under way', String(processing)],
    ['arrivals', `${arrivalsPerSecond.toFixed(2)} a second`],
    ['each worker', `${perWorkerPerSecond.toFixed(2)} documents a second`],
  ]);
}

/** @returns undefined if the command only measures */
function readLoad(options: PlanOptions, isMeasured: boolean) {
  const flags = new FlagValues(options);
  const [hasUsers, hasRate] = [flags.has('users'), flags.has('pdfsPerHour')];
  if (!hasUsers && !hasRate) {
    if (isMeasured) return undefined;
    throw new UsageError('--users: how many? allowed: --users N, or --pdfs-per-hour N, such as --users 1000');
  }
  const hourly = hasRate ? flags.number('pdfsPerHour', [1, MOST_USERS], 'any') : undefined;
  const users = hasUsers ? flags.number('users', [1, MOST_USERS]) : Math.ceil((hourly ?? 0) / ASSUMPTIONS.pdfsPerUser);
  flags.end();
  return { users, pdfsPerHour: hourly ?? users * ASSUMPTIONS.pdfsPerUser };
}

/** Measured now, or the last measurement, or the built-in one. */
async function calibrationFor(options: PlanOptions, config: Config): Promise<Calibration> {
  const { calibrate, fromDatabase, document = [], mix } = options;
  if (calibrate !== undefined && fromDatabase)
    throw new UsageError('--calibrate and --from-database: allowed: one of them');
  if (document.length > 0 && calibrate === undefined) throw new UsageError('--document: allowed: with --calibrate');
  if (fromDatabase && mix !== undefined)
    throw new UsageError('--mix: allowed: without --from-database, whose jobs are the mix');
  if (fromDatabase) {
    const { calibrationFromHistory } = await import('../../planning/history.ts');
    return accountVerb(options, 'pdfprompt plan --calibrate', calibrationFromHistory);
  }
  if (calibrate === undefined) return (await readCalibration(config.dataDir)) ?? BUILT_IN_CALIBRATION;
  const flags = new FlagValues(options);
  const seconds = typeof calibrate === 'string' ? flags.number('calibrate', [1, 3_600], 'any') : CALIBRATION_SECONDS;
  flags.end();
  const documents = await readDocuments(document);
  const log = await loggerFor('plan', 'warn');
  const { calibrate: measure } = await import('../../runtime/calibrate.ts');
  const measured = await measure({ config, log, onProgress: progress, documents, seconds });
  warn(`Kept in ${await saveCalibration(config.dataDir, measured)}`);
  return measured;
}

/** HTML by name. @param given `NAME=FILE` each; none: the samples */
async function readDocuments(given: string[]): Promise<Record<string, string>> {
  if (given.length === 0)
    return Object.fromEntries(Object.entries(SAMPLE_DOCUMENTS).map(([name, make]) => [name, make(seededRandom(1))]));
  const documents: Record<string, string> = {};
  for (const text of given) {
    const [, name, file] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined || file === undefined)
      throw new UsageError(`--document: ${JSON.stringify(text)} is not allowed; allowed: NAME=FILE`);
    documents[name] = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError(`--document: ${messageOf(error)}`, { cause: error });
    });
  }
  return documents;
}

interface Given {
  config: Config;
  calibration: Calibration;
  load: { users: number; pdfsPerHour: number };
}

async function printPlan(options: PlanOptions, { config, calibration, load }: Given): Promise<void> {
  const { setup, workerSize } = options;
  const prices = options.prices === undefined ? DEFAULT_PRICES : await readPrices(options.prices);
  const known = Object.keys(calibration.documents);
  const isUsual = Object.keys(SAMPLE_DOCUMENTS).every((name) => known.includes(name));
  const flags = new FlagValues({ ...options, mix: options.mix ?? (isUsual ? DEFAULT_MIX : known.join(',')) });
  const mix = fractionsOf(flags.shares('mix', DEFAULT_MIX, known));
  const targetP95Ms = flags.time('targetP95', [1, 3_600_000]);
  const peakFactor = flags.number('peakFactor', [1, 1_000], 'any');
  const spare = flags.has('spare') ? flags.number('spare', [0, 1_000]) : undefined;
  flags.end();
  const retentionMs = config.pdfRetentionMs;
  const arePdfsInPostgres = config.pdfStore.kind === 'postgres';
  const { renderIsolation: isolation } = config;
  const given = { mix, calibration, targetP95Ms, peakFactor, retentionMs, isolation };
  const plan = planCapacity({ ...given, load, workerSize, spare, arePdfsInPostgres, prices: prices.setups[setup] });
  const report = { ...given, plan, setup, prices };
  if (!options.json) return print(planReport(report));
  printJson({
    setup,
    ...plan,
    monthly: { currency: prices.currency, ...plan.monthly },
    mix: Object.fromEntries(mix.map(({ name, share }) => [name, share])),
    calibration: { source: calibration.source, measuredAt: calibration.measuredAt, samples: calibration.samples },
    assumptions: assumptionsOf(report),
  });
}

function printCosts({ documents }: Calibration): void {
  const rows = Object.entries(documents).map(([name, cost]) => [
    name,
    ...[cost.renderMs, cost.newPageMs, cost.idleMs].map((value) => value.toFixed(0)),
    (cost.pdfBytes / 1024).toFixed(0),
  ]);
  printRows(rows, ['DOCUMENT', 'CORE MS', 'IN A NEW PAGE +', 'WAITING MS', 'PDF KB']);
}
