import { autoscale } from './autoscale.ts';
import { backlog } from './backlog.ts';
import { cache } from './cache.ts';
import { concurrency } from './concurrency.ts';
import { fairness } from './fairness.ts';
import { hour } from './hour.ts';
import { jail } from './jail.ts';
import { latency } from './latency.ts';
import { pickup } from './pickup.ts';
import { queries } from './queries.ts';
import { render } from './render.ts';
import { soak } from './soak.ts';
import { type Result, Stage } from './stage.ts';
import { submit } from './submit.ts';
import { users } from './users.ts';
import { watched } from './watched.ts';

// `npm run bench -- NAME [--json]`: what the service does, beside a reference in the same run. Machines
// are noisy, ratios hold.

const BENCHES: Record<string, (stage: Stage, files: string[]) => Promise<Result>> = {
  pickup,
  backlog,
  submit,
  fairness,
  render,
  latency,
  soak,
  concurrency,
  jail,
  cache,
  users,
  hour,
  queries,
  autoscale,
  watched,
};

const [name = '', ...rest] = process.argv.slice(2);
const files = rest.filter((argument) => !argument.startsWith('--'));
const bench = BENCHES[name];
if (!bench) {
  process.stderr.write(`npm run bench -- NAME [FILE…] [--json]; allowed: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
const stage = await Stage.open();
try {
  const result = await bench(stage, files);
  if (rest.includes('--json')) process.stdout.write(`${JSON.stringify({ bench: name, ...result })}\n`);
  else {
    process.stdout.write(`\n${name}\n`);
    for (const [what, value] of Object.entries(result)) process.stdout.write(`  ${what.padEnd(46)} ${String(value)}\n`);
  }
} finally {
  await stage.close();
}
