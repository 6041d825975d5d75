import { parseArgs } from 'node:util';
import { ProxyFuzz } from './proxy.ts';
import { watchSilence } from './silence.ts';

// `npm run fuzz -- pdf --count 2000 --seed 7`: uploads through every step. Without `pdf` the proxy:
// `npm run fuzz -- --cases 1000000 --seed 7`: ends with 1 if something was thrown that nobody caught, the event loop
// was held up, or the proxy did not go on. `--from 4711 --cases 1` is one case again.

/** Milliseconds that the event loop may be silent. */
const MAX_SILENCE_MS = 250;
/** Exchanges between two lines of progress. */
const PROGRESS = 10_000;

if (process.argv[2] === 'pdf') {
  await fuzzUploads(process.argv.slice(3));
  process.exit();
}

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '0' },
  },
});
const [cases, seed, from] = [Number(values.cases), Number(values.seed), Number(values.from)];
if (![cases, seed, from].every((number) => Number.isSafeInteger(number) && number >= 0) || cases === 0) {
  process.stderr.write('npm run fuzz -- [--cases N] [--seed S] [--from K]; allowed: whole numbers, N at least 1\n');
  process.exit(2);
}
const say = (line: string) => process.stdout.write(`${line}\n`);
say(`${cases} cases from seed ${seed}`);

const fuzz = await ProxyFuzz.open();
let failures = 0;
const fail = (what: string) => {
  failures++;
  const [first, last] = [Math.min(...fuzz.current), Math.max(...fuzz.current)];
  say(`FAIL ${what}\n     one of: npm run fuzz -- --seed ${seed} --from ${first} --cases ${last - first + 1}`);
  process.exitCode = 1;
};
process.on('uncaughtException', (error) => fail(`nobody caught: ${error.stack}`));
process.on('unhandledRejection', (error) =>
  fail(`nobody waited for: ${error instanceof Error ? error.stack : String(error)}`),
);

const watch = watchSilence((ms) => {
  if (ms > MAX_SILENCE_MS) fail(`the event loop was silent for ${ms} ms`);
});
const startedAt = performance.now();
const seconds = () => Math.round((performance.now() - startedAt) / 1000);
await fuzz.run({
  seed,
  from,
  to: from + cases,
  onDone: (done) => {
    if (done % PROGRESS === 0) say(`${done} cases, ${seconds()} s, longest silence ${watch.longest} ms, ${failures} failures`);
  },
}); // prettier-ignore
const refused = (await fuzz.proper()).filter((answer) => answer !== 'HTTP/1.1 200 OK … ok');
if (refused.length > 0) fail(`a proper request was answered ${refused[0]}`);
await fuzz.close().catch((error: unknown) => fail(String(error)));
watch.end();
say(`${cases} cases in ${seconds()} s: longest silence ${watch.longest} ms, ${failures} failures`);

async function fuzzUploads(args: string[]): Promise<void> {
  const { values: given } = parseArgs({
    args,
    options: { count: { type: 'string', default: '2000' }, seed: { type: 'string', default: '0' } },
  });
  const { fuzzPdfs } = await import('./pdf.ts');
  const onDone = (done: number) => void (done % 500 === 0 && process.stdout.write(`${done} cases\n`));
  const report = await fuzzPdfs({ count: Number(given.count), seed: Number(given.seed), onDone });
  const { done, refused, failed, slowestMs, largestBytes } = report;
  process.stdout.write(
    `${done} done, ${refused} refused, slowest ${Math.round(slowestMs)} ms, largest ${Math.round(largestBytes / 1e6)} MB\n`,
  );
  for (const [what, times] of failed) process.stdout.write(`${times} × ${what}\n`);
}
