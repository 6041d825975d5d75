import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { Config } from '../../config/load.ts';
import { queuedJobs } from '../../domain/queue-figures.ts';
import { messageOf, UsageError } from '../../kernel/errors.ts';
import { BUILT_IN_CALIBRATION } from '../../planning/built-in.ts';
import { type Calibration, readCalibration, saveCalibration } from '../../planning/calibration.ts';
import { ASSUMPTIONS, planCapacity } from '../../planning/capacity.ts';
import { type Mix, parseMix } from '../../planning/document-cost.ts';
import { DEFAULT_PRICES, readPrices, type Setup, SETUPS } from '../../planning/prices.ts';
import { CALIBRATION_DOCUMENTS } from '../../planning/calibration-documents.ts';
import { accountVerb } from '../account-verb.ts';
import { loggerFor, print, printJson, progress, table, warn } from '../output.ts';
import { assumptionsOf, planReport } from '../plan-report.ts';
import { addSettingFlags, readConfig } from '../settings-flags.ts';

interface PlanOptions extends Record<string, unknown> {
  users?: string;
  pdfsPerHour?: string;
  mix?: string;
  targetP95: string;
  workerSize?: string;
  setup: Setup;
  peakFactor: string;
  spare?: string;
  prices?: string;
  printPrices?: boolean;
  /** seconds, or true */
  calibrate?: string | true;
  document?: string[];
  fromDatabase?: boolean;
  now?: boolean;
  json?: boolean;
}

const DEFAULT_MIX = 'invoice:80,ticket:15,report:5';
const CALIBRATION_SECONDS = 27;

export function planCommand(): Command {
  const command = new Command('plan')
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
      const load = readLoad(options);
      const calibration = await calibrationFor(options, config);
      if (load) await printPlan(options, { config, calibration, load });
      else if (options.json) printJson({ calibration });
      else printCosts(calibration);
    });
  return addSettingFlags(command, 'plan');
}

/** The same figures as the metric `desired_workers` and `GET /v1/admin/queue`. */
async function printNow(options: PlanOptions): Promise<void> {
  const { readQueueFigures } = await import('../../jobs/queue-watch.ts');
  const figures = await accountVerb(options, 'pdfprompt serve', readQueueFigures);
  if (options.json) return printJson(figures);
  const { workers, desiredWorkers, processing, oldestSeconds, arrivalsPerSecond, perWorkerPerSecond } = figures;
  print(
    table([
      ['desired workers', String(desiredWorkers)],
      ['workers', String(workers)],
      ['queued', `${queuedJobs(figures)}, the oldest for ${oldestSeconds.toFixed(0)} s`],
      ['under way', String(processing)],
      ['arrivals', `${arrivalsPerSecond.toFixed(2)} a second`],
      ['a worker ends', `${perWorkerPerSecond.toFixed(2)} a second`],
    ]),
  );
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** @returns undefined if only something is to be measured */
function readLoad({ users, pdfsPerHour, calibrate, fromDatabase }: PlanOptions) {
  const most = 100_000_000;
  if (users === undefined && pdfsPerHour === undefined) {
    if (calibrate !== undefined || fromDatabase) return undefined;
    throw new UsageError('--users: how many? allowed: --users N, or --pdfs-per-hour N, such as --users 1000');
  }
  const hourly =
    pdfsPerHour === undefined ? undefined : positive('--pdfs-per-hour', pdfsPerHour, { min: 1, max: most });
  const people =
    users === undefined
      ? Math.ceil((hourly ?? 0) / ASSUMPTIONS.pdfsPerUser)
      : positive('--users', users, { min: 1, max: most, isWhole: true });
  return { users: people, pdfsPerHour: hourly ?? people * ASSUMPTIONS.pdfsPerUser };
}

interface Range {
  min: number;
  max: number;
  isWhole?: boolean;
}

function positive(flag: string, text: string, { min, max, isWhole = false }: Range): number {
  const value = (isWhole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(
    `${flag}: ${JSON.stringify(text)} is not allowed; allowed: a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`,
  );
}

/** `5s`, `500ms`, or seconds. */
function milliseconds(flag: string, text: string): number {
  const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
  const value = number === '' ? Number.NaN : Number(number) * (unit === 'ms' ? 1 : 1000);
  if (value >= 1 && value <= 3_600_000) return value;
  throw new UsageError(
    `${flag}: ${JSON.stringify(text)} is not allowed; allowed: a time such as 5s or 800ms, at most 3600s`,
  );
}

/** The newest thing known of what documents cost. */
async function calibrationFor(options: PlanOptions, config: Config): Promise<Calibration> {
  const { calibrate, fromDatabase, document = [] } = options;
  if (calibrate !== undefined && fromDatabase)
    throw new UsageError('--calibrate and --from-database: allowed: one of them');
  if (document.length > 0 && calibrate === undefined) throw new UsageError('--document: allowed: with --calibrate');
  if (fromDatabase) {
    if (options.mix !== undefined)
      throw new UsageError('--mix: allowed: without --from-database, whose jobs are the mix');
    return (await import('../../runtime/calibrate.ts')).calibrateFromDatabase(config, progress);
  }
  if (calibrate === undefined) return (await readCalibration(config.dataDir)) ?? BUILT_IN_CALIBRATION;
  const seconds = calibrate === true ? CALIBRATION_SECONDS : positive('--calibrate', calibrate, { min: 1, max: 3600 });
  const documents = await readDocuments(document);
  const log = await loggerFor('plan', 'warn');
  const { calibrate: measure } = await import('../../runtime/calibrate.ts');
  const measured = await measure({ config, log, onProgress: progress, documents, seconds });
  const path = await saveCalibration(config.dataDir, measured);
  warn(`Kept in ${path}`);
  return measured;
}

/** HTML by name: the user's, or the samples. */
async function readDocuments(given: string[]): Promise<Record<string, string>> {
  if (given.length === 0)
    return Object.fromEntries(Object.entries(CALIBRATION_DOCUMENTS).map(([name, make]) => [name, make()]));
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
  const { setup, workerSize, spare } = options;
  const prices = options.prices === undefined ? DEFAULT_PRICES : await readPrices(options.prices);
  const targetP95Ms = milliseconds('--target-p95', options.targetP95);
  const peakFactor = positive('--peak-factor', options.peakFactor, { min: 1, max: 1000 });
  const mix = mixOf(options.mix, Object.keys(calibration.documents));
  const retentionMs = config.pdfRetentionMs;
  const plan = planCapacity({
    load,
    mix,
    calibration,
    workerSize,
    targetP95Ms,
    peakFactor,
    retentionMs,
    prices: prices.setups[setup],
    spare:
      spare === undefined
        ? undefined
        : positive('--spare', spare, {
            min: 0,
            max: 1e3,
            isWhole: true,
          }),
    arePdfsInPostgres: config.pdfStore.kind === 'postgres',
  });
  const report = { plan, setup, mix, calibration, prices, peakFactor, targetP95Ms, retentionMs };
  if (!options.json) return print(planReport(report));
  printJson({
    setup,
    ...plan,
    monthly: { currency: prices.currency, ...plan.monthly },
    mix: Object.fromEntries(mix.map(({ document, share }) => [document, share])),
    calibration: { source: calibration.source, measuredAt: calibration.measuredAt, samples: calibration.samples },
    assumptions: assumptionsOf(report),
  });
}

/** The usual one if its documents are known, else all alike. */
function mixOf(text: string | undefined, known: string[]): Mix {
  if (text !== undefined) return parseMix(text, known);
  const usual = DEFAULT_MIX.split(',').every((part) => known.includes(part.split(':')[0] ?? ''));
  return parseMix(usual ? DEFAULT_MIX : known.map((name) => `${name}:1`).join(','), known);
}

function printCosts({ documents }: Calibration): void {
  const rows = Object.entries(documents).map(([name, cost]) => [
    name,
    ...[cost.renderMs, cost.newPageMs, cost.idleMs].map((value) => value.toFixed(0)),
    (cost.pdfBytes / 1024).toFixed(0),
  ]);
  print(table([['DOCUMENT', 'CORE MS', 'IN A NEW PAGE +', 'WAITING MS', 'PDF KB'], ...rows]));
}
