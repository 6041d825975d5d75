import { parseArgs } from 'node:util';
import { UsageError } from '../../src/kernel/errors.ts';
import { nearest } from '../../src/kernel/nearest.ts';
import { FlagValues } from '../../src/planning/flag-values.ts';

/** How a benchmark is to run. Each takes the files and flags that {@link parseBenchOptions} allows it; its defaults fill the rest. */
export interface BenchOptions {
  files: string[];
  seconds?: number;
  rows?: number;
  users?: number;
  /** an hour */
  pdfs?: number;
  minutes?: number;
  isolation?: Isolation[];
  /** where others run: each kind may be there several times */
  gotenberg?: URL[];
  jsreport?: URL[];
  browserless?: URL[];
  /** the folder for a report's files */
  out?: string;
}

const ISOLATIONS = ['tenant', 'job', 'shared', 'static'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

export type Flag = Exclude<keyof BenchOptions, 'files'>;

/** What stands for the value of each flag in the list of those allowed. */
const VALUES: Record<Flag, string> = {
  seconds: 'N',
  rows: 'N',
  users: 'N',
  pdfs: 'N',
  minutes: 'N',
  isolation: 'A,B',
  gotenberg: 'URL',
  jsreport: 'URL',
  browserless: 'URL',
  out: 'DIR',
};
const SEVERAL: ReadonlySet<string> = new Set<Flag>(['gotenberg', 'jsreport', 'browserless']);

/**
 * @param allowed the flags of this benchmark; `--json` is everybody's
 * @throws UsageError that names every wrong flag and value, and what is allowed
 */
export function parseBenchOptions(
  arguments_: string[],
  allowed: readonly Flag[],
): { options: BenchOptions; json: boolean } {
  const kinds = allowed.map((flag) => [flag, { type: 'string', multiple: SEVERAL.has(flag) }] as const);
  const { values, positionals, tokens } = parseArgs({
    args: arguments_,
    options: { ...Object.fromEntries(kinds), json: { type: 'boolean' } },
    allowPositionals: true,
    strict: false, // an unknown flag is refused here, with the nearest name
    tokens: true,
  });
  const flags = new FlagValues(values);
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name === 'json') continue;
    if (!(allowed as readonly string[]).includes(token.name))
      flags.refuse(`${token.rawName}: ${unknownFlag(token.name, allowed)}`);
    else if (token.value === undefined) flags.refuse(`${token.rawName}: a value is missing`);
  }
  flags.end();

  const options: BenchOptions = { files: positionals };
  if (flags.has('seconds')) options.seconds = flags.number('seconds', [0.1, 86_400], 'any');
  if (flags.has('minutes')) options.minutes = flags.number('minutes', [0.1, 1_440], 'any');
  for (const flag of ['rows', 'users', 'pdfs'] as const)
    if (flags.has(flag)) options[flag] = flags.number(flag, [1, 100_000_000]);
  if (flags.has('isolation')) {
    const names = flags.text('isolation').split(',');
    options.isolation = ISOLATIONS.filter((name) => names.includes(name));
    const isKnown = options.isolation.length === names.length;
    flags.expect(isKnown, 'isolation', `some of ${ISOLATIONS.join(', ')}, each once, separated by commas`);
  }
  for (const flag of ['gotenberg', 'jsreport', 'browserless'] as const)
    if (flags.has(flag)) options[flag] = [values[flag] ?? []].flat().flatMap((text) => addressOf(flag, text, flags));
  if (flags.has('out')) options.out = flags.text('out');
  flags.end();
  return { options, json: values['json'] === true };
}

function addressOf(flag: string, value: string | boolean, flags: FlagValues): URL[] {
  const url = URL.parse(String(value));
  if (url && /^https?:$/.test(url.protocol)) return [url];
  flags.refuse(`--${flag}: ${JSON.stringify(value)} is not allowed; allowed: an address such as http://127.0.0.1:3000`);
  return [];
}

function unknownFlag(name: string, allowed: readonly Flag[]): string {
  const near = nearest(name, allowed);
  const all = [...allowed.map((flag) => `--${flag} ${VALUES[flag]}`), '--json'].join(', ');
  return `there is no such flag${near === undefined ? '' : `, did you mean --${near}?`}; allowed: ${all}`;
}

/** @throws UsageError that names all benchmarks if there is none of that name */
export function benchNamed<T>(name: string, benches: Readonly<Record<string, T>>): T {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench) return bench;
  const near = nearest(name, Object.keys(benches));
  throw new UsageError(
    `npm run bench -- NAME [FILE…] [--json]: ${JSON.stringify(name)} is no benchmark${near === undefined ? '' : `, did you mean ${near}?`}; allowed: ${Object.keys(benches).join(', ')}`,
  );
}
