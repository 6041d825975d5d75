import { parseArgs } from 'node:util';
import { runBatchChaos } from './run-batch.ts';
import { runCompatChaos } from './run-compat.ts';
import { runChaos } from './run.ts';
import { runDeliveriesChaos } from './run-deliveries.ts';

// `npm run chaos -- --jobs 2000 --faults 60`, or `--batch 2000`, `--deliveries 10000`, or `--compat 500`: ends with 1 if a promise was not kept.

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '200' },
    batch: { type: 'string' },
    deliveries: { type: 'string' },
    compat: { type: 'string' },
    faults: { type: 'string', default: '12' },
  },
});
const [jobs, faults] = [
  Number(values.deliveries ?? values.batch ?? values.compat ?? values.jobs),
  Number(values.faults),
];
if (!(Number.isInteger(jobs) && jobs > 0 && Number.isInteger(faults) && faults >= 0)) {
  process.stderr.write(
    'npm run chaos -- [--jobs N | --batch ROWS | --deliveries N | --compat N] [--faults M]; allowed: whole numbers, N and ROWS at least 1\n',
  );
  process.exit(2);
}
const runs = { deliveries: runDeliveriesChaos, batch: runBatchChaos, compat: runCompatChaos };
const named = (Object.keys(runs) as (keyof typeof runs)[]).find((name) => values[name] !== undefined);
const run = named ? runs[named] : runChaos;
const report = await run({ jobs, faults, onProgress: (line) => process.stderr.write(`${line}\n`) });
const line = (cells: (string | number)[]) =>
  process.stdout.write(`${cells.map((cell, index) => (index === 0 ? String(cell).padStart(7) : cell)).join('  ')}\n`);

process.stdout.write(
  `\n${jobs} jobs, ${faults} faults, ${report.seconds} s; clients sent ${report.sentAgain} requests again\n\n`,
);
for (const [name, count] of Object.entries(report.faults)) line([count, name]);
process.stdout.write('\n');
for (const { what, count, wrong } of report.findings) {
  line([count, wrong.length === 0 ? 'ok  ' : 'FAIL', what]);
  for (const each of wrong.slice(0, 10)) line(['', '    ', each]);
}
process.exitCode = report.findings.every(({ wrong }) => wrong.length === 0) ? 0 : 1;
