import type { Config } from '../config/load.ts';
import type { Calibration } from '../planning/calibration.ts';
import { ASSUMPTIONS, type Plan } from '../planning/capacity.ts';
import type { PriceTable, Setup } from '../planning/prices.ts';
import type { Share } from '../planning/shares.ts';

interface ReportInput {
  plan: Plan;
  setup: Setup;
  mix: readonly Share[];
  calibration: Calibration;
  prices: PriceTable;
  peakFactor: number;
  targetP95Ms: number;
  retentionMs: number;
  isolation: Config['renderIsolation'];
}

export function planReport(input: ReportInput): string {
  const { plan, setup, mix, prices } = input;
  const { load, workers, processes, connections, database, predicted, monthly } = plan;
  const spare = workers.count - workers.needed;
  const limits = (['up', 'serve', 'work'] as const)
    .filter((kind) => processes[kind] > 0)
    .map((kind) => `${processes.connections[kind]} for each ${kind}`);
  const sections: Record<string, string>[] = [
    {
      users: `${number(load.users)}, ${number(load.pdfsPerHour)} PDFs in the busiest hour, ${number(load.peakPdfsPerSecond, 2)} a second at its peak`,
      documents: mix.map(({ name, share }) => `${name} ${percent(share)}`).join(', '),
      workers: `${workers.count} × ${workers.size} (cores x GB)${spare > 0 ? `, of which ${spare} spare` : ''}`,
      processes:
        processes.up > 0
          ? '1 × pdfprompt up (API and worker in one)'
          : `${processes.serve} × pdfprompt serve, beside workers, ${processes.work} × pdfprompt work`,
      concurrency: `${workers.concurrency} at the start; --concurrency auto adjusts it`,
      memory: `${number(workers.memoryMb)} MB on each, with ${workers.warmPages} warm pages`,
      connections: `${connections.fleet} (DATABASE_MAX_CONNECTIONS: ${limits.join(', ')}), of ${connections.available}; ${connections.needed} with a command beside them`,
      database: `${database.size}, ${database.storageGb} GB: ${number(database.pdfGb, 1)} GB of PDFs, ${number(database.jobs)} jobs; ${percent(database.utilisation)} busy at the peak`,
    },
    {
      wait: `p50 ${ms(predicted.wait.p50)}, p95 ${ms(predicted.wait.p95)}`,
      turnaround: `p50 ${ms(predicted.turnaround.p50)}, p95 ${ms(predicted.turnaround.p95)}`,
      utilisation: `${percent(predicted.utilisation)} of the workers at the peak${predicted.utilisationWithoutOne === null ? '' : `, ${percent(predicted.utilisationWithoutOne)} with one worker missing`}`,
      'at most': `${number(predicted.maxThroughput, 1)} PDFs a second, ${number(predicted.maxPerWorker, 1)} by each worker`,
    },
    {
      'a month': `${number(monthly.total, 2)} ${prices.currency} (${setup}): workers ${number(monthly.workers, 2)}, database ${number(monthly.database, 2)}, its disk ${number(monthly.storage, 2)}${monthly.loadBalancer > 0 ? `, load balancer ${number(monthly.loadBalancer, 2)}` : ''}`,
    },
  ];
  const texts = sections.map((facts) =>
    Object.entries(facts)
      .map(([name, text]) => `${name.padEnd(12)} ${text}`)
      .join('\n'),
  );
  const assumptions = ['Assumptions:', ...assumptionsOf(input).map((line) => `- ${line}`)];
  return [...texts, assumptions.join('\n')].join('\n\n');
}

/** What the plan assumes, and how far it can be off. */
export function assumptionsOf(input: ReportInput): string[] {
  const { plan, calibration, prices, peakFactor, targetP95Ms, retentionMs, isolation } = input;
  const { count, needed } = plan.workers;
  return [
    `A user makes ${ASSUMPTIONS.pdfsPerUser} PDFs in the busiest hour unless --pdfs-per-hour says otherwise; its busiest minutes have ${peakFactor} times its average (--peak-factor), and documents come at random moments (Poisson).`,
    `At that peak 95 % of documents are done within ${ms(targetP95Ms)} (--target-p95), and no more than ${percent(ASSUMPTIONS.mostUtilisation)} of the workers' cores are needed.`,
    PAGES[isolation](percent(plan.load.newPageShare)),
    SOURCES[calibration.source](calibration),
    count > needed
      ? `The load needs ${needed}; ${count - needed} more (--spare), so that a worker may fail or be replaced.`
      : `No worker to spare (--spare 1): while ${count === 1 ? 'it' : 'one of them'} is unavailable, jobs ${count === 1 ? 'are refused or ' : ''}wait; none that was accepted is lost.`,
    'A machine with twice the cores does twice as much, and its cores are as fast as those that were measured (coreSpeed in the price table). A browser that starts after a quiet minute takes 0.3 s more.',
    `A day is ${ASSUMPTIONS.busyHoursPerDay} such hours; PDFs are kept for ${number(retentionMs / 86_400_000, 1)} days (PDF_RETENTION), what is known of a job ${ASSUMPTIONS.rowDays} days longer, in ${ASSUMPTIONS.rowBytes / 1024} KB.`,
    `Prices (--prices) as of ${prices.asOf}. ${prices.note} They do not include traffic, taxes or staff.`,
  ];
}

/** How many documents need a new page. */
const PAGES: Record<Config['renderIsolation'], (share: string) => string> = {
  tenant: (share) =>
    `All users are alike: ${share} of documents need a new page, because their tenant has no warm page. Up to four are opened beforehand, while a core is free (BROWSER_SPARE_PAGES).`,
  static: () =>
    'No document runs a script or loads anything from outside, so that all share pages (RENDER_ISOLATION=static). Plan with RENDER_ISOLATION=tenant if many do.',
  job: () => 'Each document needs a new page (RENDER_ISOLATION=job).',
  shared: () => 'All documents share pages (RENDER_ISOLATION=shared).',
};

const SOURCES: Record<Calibration['source'], (calibration: Calibration) => string> = {
  'built-in': () =>
    'What documents cost was measured on another machine with sample documents: expect the throughput to be off by half either way. `pdfprompt plan --calibrate --document NAME=FILE` measures yours here.',
  renderer: ({ measuredAt, cores }) =>
    `What documents cost was measured here on ${measuredAt.slice(0, 10)} (${cores} cores) by the renderer alone; what the service adds is computed from their size. When it was tried, throughput was right within an eighth; waits were up to four times what was predicted: a tenth of a second more at half load, a second at 80 %, six at 95 %, on a machine whose speed changed. In a checkout, npm run bench -- plan measures it.`,
  database: ({ measuredAt, samples }) =>
    `What documents cost is the time that ${samples} jobs took that this installation had done by ${measuredAt.slice(0, 10)}, all of it counted as work of a core: on the safe side where documents wait for the network, or for each other.`,
};

const number = (value: number, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
const percent = (value: number) => `${number(value * 100, value < 0.1 ? 1 : 0)} %`;
const ms = (value: number) => (value < 1_000 ? `${number(value)} ms` : `${number(value / 1_000, 1)} s`);
