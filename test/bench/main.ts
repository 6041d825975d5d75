import { autoscale } from './autoscale.ts';
import { backlog } from './backlog.ts';
import { batch } from './batch.ts';
import { bulk } from './bulk.ts';
import { cache } from './cache.ts';
import { concurrency } from './concurrency.ts';
import { deliveries } from './deliveries.ts';
import { events } from './events.ts';
import { fairness } from './fairness.ts';
import { finishing } from './finishing.ts';
import { floods } from './floods.ts';
import { handover } from './handover.ts';
import { hour } from './hour.ts';
import { jail } from './jail.ts';
import { latency } from './latency.ts';
import { newcomers } from './newcomers.ts';
import { merge } from './merge.ts';
import { pickup } from './pickup.ts';
import { plan } from './plan.ts';
import { queries } from './queries.ts';
import { render } from './render.ts';
import { soak } from './soak.ts';
import { search } from './search.ts';
import { type Result, Stage } from './stage.ts';
import { sql } from './sql.ts';
import { submit } from './submit.ts';
import { templates } from './templates.ts';
import { users } from './users.ts';
import { watched } from './watched.ts';

// `npm run bench -- NAME [--json]`: what the service does, beside a reference in the same run. Machines
// are noisy, ratios hold.

const BENCHES: Record<
  string,
  (stage: Stage, files: string[], seconds: number | undefined, rows: number | undefined) => Promise<Result>
> = {
  pickup,
  deliveries,
  backlog,
  batch,
  bulk,
  sql,
  submit,
  templates,
  fairness,
  finishing,
  merge,
  newcomers,
  floods,
  render,
  latency,
  soak,
  handover,
  concurrency,
  jail,
  cache,
  users,
  hour,
  queries,
  search,
  autoscale,
  watched,
  events,
  plan,
};

const [name = '', ...rest] = process.argv.slice(2);
const numberOf = (flag: string) => {
  const at = rest.indexOf(flag);
  return at === -1 ? undefined : Number(rest.splice(at, 2)[1]);
};
const [seconds, rows] = [numberOf('--seconds'), numberOf('--rows')];
const files = rest.filter((argument) => !argument.startsWith('--'));
const bench = BENCHES[name];
if (!bench || Number.isNaN(seconds) || Number.isNaN(rows)) {
  process.stderr.write(
    `npm run bench -- NAME [FILE…] [--seconds N] [--rows N] [--json]; allowed: ${Object.keys(BENCHES).join(', ')}\n`,
  );
  process.exit(2);
}
const stage = await Stage.open();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stage.close().finally(() => process.exit(1))); // nothing of it is left running
try {
  const result = await bench(stage, files, seconds, rows);
  if (rest.includes('--json')) process.stdout.write(`${JSON.stringify({ bench: name, ...result })}\n`);
  else {
    process.stdout.write(`\n${name}\n`);
    for (const [what, value] of Object.entries(result)) process.stdout.write(`  ${what.padEnd(46)} ${String(value)}\n`);
  }
} finally {
  await stage.close();
}
