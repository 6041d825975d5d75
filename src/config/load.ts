import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ScalePolicy } from '../domain/desired-workers.ts';
import { UsageError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import type { EgressRule } from './egress-rule.ts';
import type { Kind } from './kinds.ts';
import { flagOf, SETTING_LIST, type SettingName, type SETTINGS } from './settings.ts';
import { type SettingInForce, settingsInForce } from './settings-in-force.ts';
import { type TracingSettings, tracingSettings } from './tracing.ts';

type Environment = Record<string, string | undefined>;

interface LoadInput {
  env: Environment;
  /** flags of the command line by the setting's name; they win over the environment */
  flags?: Partial<Record<SettingName, string>>;
  isRoot: boolean;
}

type Values = {
  [N in SettingName]:
    | ((typeof SETTINGS)[N]['kind'] extends Kind<infer T> ? T : never)
    | ((typeof SETTINGS)[N] extends { default: string } ? never : undefined);
};

type Derived =
  'maxPdfConcurrency' | 'egressPolicy' | 'egressRules' | `autoscale${string}` | `s3${string}` | `aws${string}`;

/** How a bucket is reached. */
export interface S3Access {
  /** default: Amazon's in `region` */
  endpoint: string | undefined;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** of temporary credentials */
  sessionToken: string | undefined;
}

/** Every setting, checked and derived. Only `cli/` reads the environment. Durations are in milliseconds. */
export interface Config extends Omit<Values, 'dataDir' | 'workerConcurrency' | Extract<SettingName, Derived>> {
  /** absolute */
  dataDir: string;
  /** documents at a time: the first value and the highest that `auto` may choose; the same unless it is `auto` */
  workerConcurrency: { initial: number; max: number };
  egress: { policy: Values['egressPolicy']; rules: readonly EgressRule[] };
  autoscale: ScalePolicy;
  /** undefined without an access key */
  s3: S3Access | undefined;
  /** undefined: tracing is off */
  tracing: TracingSettings | undefined;
  /** every setting as it was given, for people */
  given: readonly SettingInForce[];
}

/**
 * Reads every setting from flags and environment, checks them, and derives the rest of the configuration.
 * @throws UsageError that lists every problem at once
 */
export function loadConfig({ env, flags = {}, isRoot }: LoadInput): Config {
  const problems: string[] = unknownVariables(env);
  const checked: Partial<Record<SettingName, unknown>> = {};
  for (const setting of SETTING_LIST) {
    const flag = flags[setting.name];
    // Compose files and shells write an empty variable for "not set".
    const text = flag ?? (env[setting.env] || setting.default);
    const value = text === undefined ? undefined : setting.kind.parse(text.trim());
    checked[setting.name] = value;
    if (text === undefined || value !== undefined) continue;
    const name = flag === undefined ? setting.env : `--${flagOf(setting)}`;
    const shown = setting.secret ? 'its value' : JSON.stringify(text);
    problems.push(`${name}: ${shown} is not allowed; allowed: ${setting.kind.allowed}`);
  }
  const values = checked as Values;
  const { tracing, problems: tracingProblems } = tracingSettings(env);
  problems.push(...tracingProblems);
  if (problems.length === 0) problems.push(...relationProblems(values));
  if (problems.length > 0)
    throw new UsageError(
      `The settings have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );

  const { maxPdfConcurrency, workerConcurrency, dataDir, egressPolicy, egressRules, ...others } = values;
  const { autoscaleTargetWaitMs, autoscaleMinWorkers, autoscaleMaxWorkers, autoscaleDownAfterMs, ...more } = others;
  const { s3Endpoint, s3Region, awsAccessKeyId, awsSecretAccessKey, awsSessionToken, ...rest } = more;
  return {
    ...rest,
    publicUrl: rest.publicUrl?.replace(/\/$/, ''),
    dataDir: resolve(dataDir ?? defaultDataDir(env, isRoot)),
    workerConcurrency: concurrency(workerConcurrency, Math.min(maxPdfConcurrency, pages(values))),
    egress: { policy: egressPolicy, rules: egressRules ?? [] },
    autoscale: {
      targetWaitMs: autoscaleTargetWaitMs,
      min: autoscaleMinWorkers,
      max: autoscaleMaxWorkers,
      downAfterMs: autoscaleDownAfterMs,
    },
    s3:
      awsAccessKeyId === undefined || awsSecretAccessKey === undefined
        ? undefined
        : {
            endpoint: s3Endpoint,
            region: s3Region,
            accessKeyId: awsAccessKeyId,
            secretAccessKey: awsSecretAccessKey,
            sessionToken: awsSessionToken,
          },
    tracing,
    given: settingsInForce({ env, flags }),
  };
}

const pages = ({ browserPoolSize, browserMaxPages }: Values) => browserPoolSize * browserMaxPages;

/** Rendering is bound by the CPU, so `auto` starts with a document for each core and one that waits for the database. */
export function initialConcurrency(): number {
  return availableParallelism() + 1;
}

function concurrency(wanted: Values['workerConcurrency'], ceiling: number): Config['workerConcurrency'] {
  const initial = Math.min(wanted === 'auto' ? initialConcurrency() : wanted, ceiling);
  return { initial, max: wanted === 'auto' ? ceiling : initial };
}

/** Settings that are each allowed, but not together. */
function relationProblems(values: Values): string[] {
  const { workerConcurrency, databaseUrl, databaseDirectUrl } = values;
  const problems: string[] = [];
  if (databaseDirectUrl !== undefined && databaseUrl === undefined)
    problems.push(
      'DATABASE_DIRECT_URL: it is the direct way to the database of DATABASE_URL, which is not set; allowed: both, or DATABASE_URL alone',
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
  if (values.pdfStore.kind === 's3') {
    const keys = { AWS_ACCESS_KEY_ID: values.awsAccessKeyId, AWS_SECRET_ACCESS_KEY: values.awsSecretAccessKey };
    for (const [name, value] of Object.entries(keys))
      if (value === undefined)
        problems.push(`${name}: it is not set, and PDF_STORE is a bucket; allowed: a key that may write to the bucket`);
  }
  return problems;
}

/** Variables that look like a setting: by our prefix, or because they are a typo away from one. */
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
