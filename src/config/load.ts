import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScalePolicy } from '../domain/desired-workers.ts';
import { UsageError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { type EgressRule, parseEgressRule } from './egress-rule.ts';
import {
  allowedValues,
  initialConcurrency,
  flagOf,
  type Setting,
  SETTING_LIST,
  type SettingName,
  type SETTINGS,
} from './settings.ts';
import { type TracingSettings, tracingSettings } from './tracing.ts';

/** Where PDFs are kept. */
type StoreLocation = { kind: 'postgres' } | { kind: 'file'; directory: string };

type Environment = Record<string, string | undefined>;

interface LoadInput {
  env: Environment;
  /** flags of the command line by the setting's name; they win over the environment */
  flags?: Partial<Record<SettingName, string>>;
  isRoot: boolean;
}

type Value = string | number | boolean | EgressRule[] | undefined;

/** What each kind of setting becomes once parsed. */
type Parsed<K extends string> = K extends 'integer' | 'duration'
  ? number
  : K extends 'integer-or-auto'
    ? number | 'auto'
    : K extends 'boolean'
      ? boolean
      : K extends 'egress-rules'
        ? EgressRule[]
        : string;

type Values = {
  [N in SettingName]:
    Parsed<(typeof SETTINGS)[N]['kind']['type']> | ((typeof SETTINGS)[N]['default'] extends string ? never : undefined);
};

/** Every setting, checked and derived. Nothing below `cli/` sees the environment. Durations are in milliseconds. */
export interface Config extends Omit<
  Values,
  | 'dataDir'
  | 'workerConcurrency'
  | 'maxPdfConcurrency'
  | 'pdfStore'
  | 'renderIsolation'
  | 'renderJail'
  | 'egressPolicy'
  | 'egressRules'
  | 'autoscaleTargetWaitMs'
  | 'autoscaleMinWorkers'
  | 'autoscaleMaxWorkers'
  | 'autoscaleDownAfterMs'
> {
  /** absolute */
  dataDir: string;
  /** documents at a time: where it begins and how far `auto` may go; the same unless it is `auto` */
  workerConcurrency: { initial: number; max: number };
  renderIsolation: 'tenant' | 'job' | 'shared';
  renderJail: 'auto' | 'namespace' | 'proxy';
  egress: { policy: 'public' | 'none'; rules: readonly EgressRule[] };
  pdfStore: StoreLocation;
  autoscale: ScalePolicy;
  /** undefined: nobody wants traces */
  tracing: TracingSettings | undefined;
}

/**
 * Reads every setting from flags and environment, checks them, derives what follows.
 * @throws UsageError that lists every problem at once
 */
export function loadConfig({ env, flags = {}, isRoot }: LoadInput): Config {
  const problems: string[] = unknownVariables(env);
  const checked: Partial<Record<SettingName, Value>> = {};
  for (const setting of SETTING_LIST) {
    const flag = flags[setting.name];
    const fromEnv = env[setting.env];
    // An empty variable is how compose files and shells write "not set".
    const text = flag ?? (fromEnv === '' ? undefined : fromEnv) ?? setting.default;
    const parsed = text === undefined ? { value: undefined } : parse(setting, text.trim());
    if ('value' in parsed) checked[setting.name] = parsed.value;
    else {
      const shown = setting.secret ? 'its value' : JSON.stringify(text);
      problems.push(
        `${flag === undefined ? setting.env : `--${flagOf(setting)}`}: ${shown} is not allowed; allowed: ${allowedValues(setting.kind)}`,
      );
    }
  }
  const values = checked as Values;
  const { tracing, problems: tracingProblems } = tracingSettings(env);
  problems.push(...tracingProblems);
  if (problems.length === 0) problems.push(...relationProblems(values));
  if (problems.length > 0)
    throw new UsageError(
      `The settings have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );

  const { maxPdfConcurrency, workerConcurrency, dataDir, pdfStore, renderIsolation, renderJail, ...others } = values;
  const { egressPolicy, egressRules, ...most } = others;
  const { autoscaleTargetWaitMs, autoscaleMinWorkers, autoscaleMaxWorkers, autoscaleDownAfterMs, ...rest } = most;
  return {
    ...rest,
    dataDir: resolve(dataDir ?? defaultDataDir(env, isRoot)),
    workerConcurrency: concurrency(workerConcurrency, Math.min(maxPdfConcurrency, pages(values))),
    renderIsolation: renderIsolation as Config['renderIsolation'],
    renderJail: renderJail as Config['renderJail'],
    autoscale: {
      targetWaitMs: autoscaleTargetWaitMs,
      min: autoscaleMinWorkers,
      max: autoscaleMaxWorkers,
      downAfterMs: autoscaleDownAfterMs,
    },
    egress: { policy: egressPolicy as Config['egress']['policy'], rules: egressRules ?? [] },
    pdfStore: pdfStore === 'postgres' ? { kind: 'postgres' } : { kind: 'file', directory: fileURLToPath(pdfStore) },
    tracing,
  };
}

const pages = ({ browserPoolSize, browserMaxPages }: Values) => browserPoolSize * browserMaxPages;

function concurrency(wanted: Values['workerConcurrency'], ceiling: number): Config['workerConcurrency'] {
  const initial = Math.min(wanted === 'auto' ? initialConcurrency() : wanted, ceiling);
  return { initial, max: wanted === 'auto' ? ceiling : initial };
}

/** Settings that are allowed each, but not together. */
function relationProblems(values: Values): string[] {
  const { workerConcurrency, databaseUrl, databaseDirectUrl } = values;
  const problems: string[] = [];
  if (databaseDirectUrl !== undefined && databaseUrl === undefined)
    problems.push(
      'DATABASE_DIRECT_URL: it is another way to the database of DATABASE_URL, which is not set; allowed: both, or DATABASE_URL alone',
    );
  const ceiling = pages(values);
  if (workerConcurrency !== 'auto' && workerConcurrency > ceiling)
    problems.push(
      `PDFPROMPT_WORKER_CONCURRENCY: ${workerConcurrency} documents do not fit BROWSER_POOL_SIZE × BROWSER_MAX_PAGES_PER_BROWSER = ${ceiling}; allowed: at most ${ceiling}, or larger pools`,
    );
  if (values.autoscaleMinWorkers > values.autoscaleMaxWorkers)
    problems.push(
      `AUTOSCALE_MIN_WORKERS: ${values.autoscaleMinWorkers} is more than AUTOSCALE_MAX_WORKERS = ${values.autoscaleMaxWorkers}; allowed: at most that`,
    );
  return problems;
}

function parse({ kind }: Setting, text: string): { value: Value } | { bad: true } {
  const bad = { bad: true } as const;
  const integer = (min: number, max: number) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? { value } : bad;
  };
  switch (kind.type) {
    case 'integer':
      return integer(kind.min, kind.max);
    case 'integer-or-auto':
      return text === 'auto' ? { value: text } : integer(kind.min, kind.max);
    case 'duration': {
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      const factor = kind.unit === 'seconds' ? 1000 : 1;
      return value >= kind.min && value <= kind.max ? { value: value * factor } : bad;
    }
    case 'choice':
      return kind.values.includes(text) ? { value: text } : bad;
    case 'boolean':
      return text === 'true' || text === 'false' ? { value: text === 'true' } : bad;
    case 'postgres-url':
      return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol) ? { value: text } : bad;
    case 'store':
      return text === 'postgres' || isFileUrl(text) ? { value: text } : bad;
    case 'egress-rules': {
      const rules = text.split(',').map((rule) => parseEgressRule(rule.trim()));
      return rules.includes(undefined) ? bad : { value: rules as EgressRule[] };
    }
    case 'path':
      return text !== '' && !text.includes('\0') ? { value: text } : bad;
    case 'host':
      return /^[\w.:%-]+$/.test(text) ? { value: text } : bad;
    case 'api-key':
      return /^pdf_\w+$/.test(text) ? { value: text } : bad;
  }
}

function isFileUrl(text: string): boolean {
  try {
    return fileURLToPath(text) !== '/';
  } catch {
    return false;
  }
}

/** Ours are known by their prefix; other names only if they are one slip away from one of ours. */
function unknownVariables(env: Environment): string[] {
  const known = SETTING_LIST.map((setting) => setting.env);
  return Object.keys(env).flatMap((name) => {
    if (known.includes(name)) return [];
    const near = nearest(
      name,
      known.filter((candidate) => candidate.length > 6),
    );
    if (!name.startsWith('PDFPROMPT_') && near === undefined) return [];
    return [
      `${name}: there is no such setting; ${near ? `did you mean ${near}?` : `allowed: ${known.filter((other) => other.startsWith('PDFPROMPT_')).join(', ')}`}`,
    ];
  });
}

function defaultDataDir(env: Environment, isRoot: boolean): string {
  if (isRoot) return '/var/lib/pdfprompt';
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'pdfprompt');
}
