import { OperatorError, UsageError } from '../../src/kernel/errors.ts';
import { type BenchOptions, benchNamed, type Flag, parseBenchOptions } from './options.ts';
import type { Report, Result, Stage } from './stage.ts';

// `npm run bench -- NAME [--json]`: what the service does, beside a reference in the same run. Machines
// are noisy, ratios hold.

type Bench = (stage: Stage, options: BenchOptions) => Promise<Result | Report>;

/** Each is loaded when it is asked for: a wrong flag is refused at once. */
const BENCHES: Record<string, () => Promise<Bench>> = {
  pickup: async () => (await import('./pickup.ts')).pickup,
  deliveries: async () => (await import('./deliveries.ts')).deliveries,
  backlog: async () => (await import('./backlog.ts')).backlog,
  batch: async () => (await import('./batch.ts')).batch,
  bulk: async () => (await import('./bulk.ts')).bulk,
  sql: async () => (await import('./sql.ts')).sql,
  submit: async () => (await import('./submit.ts')).submit,
  templates: async () => (await import('./templates.ts')).templates,
  fairness: async () => (await import('./fairness.ts')).fairness,
  finishing: async () => (await import('./finishing.ts')).finishing,
  'first-documents': async () => (await import('./first-documents.ts')).firstDocuments,
  merge: async () => (await import('./merge.ts')).merge,
  floods: async () => (await import('./floods.ts')).floods,
  render: async () => (await import('./render.ts')).render,
  latency: async () => (await import('./latency.ts')).latency,
  peers: async () => (await import('./peers.ts')).peers,
  soak: async () => (await import('./soak.ts')).soak,
  handover: async () => (await import('./handover.ts')).handover,
  concurrency: async () => (await import('./concurrency.ts')).concurrency,
  jail: async () => (await import('./jail.ts')).jail,
  cache: async () => (await import('./cache.ts')).cache,
  users: async () => (await import('./users.ts')).users,
  hour: async () => (await import('./hour.ts')).hour,
  queries: async () => (await import('./queries.ts')).queries,
  search: async () => (await import('./search.ts')).search,
  autoscale: async () => (await import('./autoscale.ts')).autoscale,
  watched: async () => (await import('./watched.ts')).watched,
  events: async () => (await import('./events.ts')).events,
  plan: async () => (await import('./plan.ts')).plan,
};

/** The flags that each takes, beside `--json`. */
const FLAGS: Record<string, readonly Flag[]> = {
  batch: ['rows'],
  bulk: ['rows'],
  search: ['rows'],
  plan: ['seconds'],
  peers: ['gotenberg', 'jsreport', 'browserless', 'seconds', 'out'],
  hour: ['users', 'pdfs', 'minutes', 'isolation'],
};

/** @returns the exit code */
async function main([name = '', ...arguments_]: string[]): Promise<number> {
  const load = benchNamed(name, BENCHES);
  const { options, json } = parseBenchOptions(arguments_, FLAGS[name] ?? []);
  const [bench, { Report, Stage }] = [await load(), await import('./stage.ts')];
  const stage = await Stage.open();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stage.close().finally(() => process.exit(1))); // nothing of it is left running
  try {
    const result = await bench(stage, options);
    const report = result instanceof Report ? result : new Report(textOf(name, result), result);
    process.stdout.write(json ? `${JSON.stringify({ bench: name, ...report.json })}\n` : report.text);
    return 0;
  } finally {
    await stage.close();
  }
}

function textOf(name: string, result: Result): string {
  const lines = Object.entries(result).map(([what, value]) => `  ${what.padEnd(46)} ${String(value)}\n`);
  return `\n${name}\n${lines.join('')}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof OperatorError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
