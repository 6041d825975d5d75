import { availableParallelism } from 'node:os';
import { FEWEST_CONNECTIONS } from './connections.ts';
import { EGRESS_RULES_ALLOWED } from './egress-rule.ts';

/** The commands that read settings; every setting says which of them it concerns. */
export type SettingCommand =
  'up' | 'serve' | 'work' | 'render' | 'migrate' | 'keys' | 'tier' | 'tiers' | 'users' | 'doctor' | 'bench' | 'plan';

/** How a setting's text is read. Every kind is checked by `load.ts` and described by its `allowed`. */
type Kind =
  | { type: 'integer'; min: number; max: number }
  | { type: 'integer-or-auto'; min: number; max: number }
  | { type: 'duration'; unit: 'seconds' | 'milliseconds'; min: number; max: number }
  | { type: 'choice'; values: readonly string[] }
  | { type: 'boolean' }
  | { type: 'postgres-url' }
  | { type: 'store' }
  | { type: 'egress-rules' }
  | { type: 'path' }
  | { type: 'host' }
  | { type: 'api-key' };

export interface Setting {
  env: string;
  kind: Kind;
  /** As text, the way it would be written; undefined: not set. */
  default: string | undefined;
  /** Shown instead of the default where that depends on the machine. */
  defaultNote?: string;
  description: string;
  commands: readonly SettingCommand[];
  /** Never shown in logs. */
  secret?: boolean;
}

const WITH_ACCOUNTS = ['keys', 'tier', 'tiers', 'users'] as const;
const WITH_DATABASE = ['up', 'serve', 'work', 'migrate', ...WITH_ACCOUNTS, 'doctor', 'bench', 'plan'] as const;
const WITH_API = ['up', 'serve'] as const;
/** Every process of a fleet: any of them may be the one that counts for all. */
const WITH_FLEET = ['up', 'serve', 'work'] as const;
const WITH_WORKER = ['up', 'work'] as const;
const WITH_BROWSER = ['up', 'work', 'render', 'doctor', 'plan'] as const;

/**
 * Every setting there is. The command line's flags, the environment, `--help`, `.env.example` and
 * the README's table all come from here: `DATABASE_URL` is `--database-url`, and so on.
 */
export const SETTINGS = {
  databaseUrl: {
    env: 'DATABASE_URL',
    kind: { type: 'postgres-url' },
    default: undefined,
    defaultNote: 'an embedded Postgres in `PDFPROMPT_DATA_DIR`',
    description: 'The Postgres that holds the queue, the record and the PDFs',
    commands: WITH_DATABASE,
    secret: true,
  },
  databaseDirectUrl: {
    env: 'DATABASE_DIRECT_URL',
    kind: { type: 'postgres-url' },
    default: undefined,
    defaultNote: '`DATABASE_URL`',
    description:
      'The same database without a pooler in between: for migrations, the notifier and the locks of workers, which need a session',
    commands: WITH_DATABASE,
    secret: true,
  },
  databaseReadReplicaUrl: {
    env: 'DATABASE_READ_REPLICA_URL',
    kind: { type: 'postgres-url' },
    default: undefined,
    defaultNote: 'none: everything is read from the primary',
    description:
      'A streaming standby of `DATABASE_URL`, which takes listings, usage and statistics while it is well; up to half of `DATABASE_MAX_CONNECTIONS` go there besides',
    commands: ['up', 'serve', 'doctor'],
    secret: true,
  },
  databaseMaxConnections: {
    env: 'DATABASE_MAX_CONNECTIONS',
    kind: { type: 'integer', min: FEWEST_CONNECTIONS, max: 1000 },
    default: '20',
    description: 'Connections of one process to Postgres, at most, those that it keeps included',
    commands: ['up', 'serve', 'work', 'doctor'],
  },
  databaseIdleTimeoutMs: {
    env: 'DATABASE_IDLE_TIMEOUT',
    kind: { type: 'duration', unit: 'seconds', min: 1, max: 86_400 },
    default: '20',
    description: 'Seconds after which an unused connection is closed',
    commands: ['up', 'serve', 'work'],
  },
  databaseConnectTimeoutMs: {
    env: 'DATABASE_CONNECT_TIMEOUT',
    kind: { type: 'duration', unit: 'seconds', min: 1, max: 300 },
    default: '10',
    description: 'Seconds to wait for a connection to Postgres',
    commands: WITH_DATABASE,
  },
  databasePrepare: {
    env: 'DATABASE_PREPARE',
    kind: { type: 'boolean' },
    default: 'true',
    description:
      'Prepared statements, and whatever else a connection has to remember; `false` behind a transaction-mode pooler, with `DATABASE_DIRECT_URL`',
    commands: ['up', 'serve', 'work', 'doctor'],
  },
  cacheMaxEntries: {
    env: 'CACHE_MAX_ENTRIES',
    kind: { type: 'integer', min: 0, max: 10_000_000 },
    default: '10000',
    description: 'Entries of each cache of one API process, at most; 0 turns them off',
    commands: WITH_API,
  },
  cacheTtlSubscriptionsMs: {
    env: 'CACHE_TTL_SUBSCRIPTIONS',
    kind: { type: 'duration', unit: 'seconds', min: 0, max: 31_536_000 },
    default: '300',
    description:
      'Seconds for which it is remembered whose an API key is and which tier they are on; 0 is for ever. A change is in force at once all the same: the database rings',
    commands: WITH_API,
  },
  cacheTtlLimitsMs: {
    env: 'CACHE_TTL_LIMITS',
    kind: { type: 'duration', unit: 'seconds', min: 0, max: 86_400 },
    default: '60',
    description: 'Seconds for which a tenant at its limit is answered from memory, at most; 0 is until the limit opens',
    commands: WITH_API,
  },
  cacheTtlTiersMs: {
    env: 'CACHE_TTL_TIERS',
    kind: { type: 'duration', unit: 'seconds', min: 0, max: 31_536_000 },
    default: '0',
    description: 'Seconds for which tiers are remembered; 0 is for ever. A change is in force at once all the same',
    commands: WITH_API,
  },
  dataDir: {
    env: 'PDFPROMPT_DATA_DIR',
    kind: { type: 'path' },
    default: undefined,
    defaultNote: '`~/.local/share/pdfprompt`; for root `/var/lib/pdfprompt`',
    description: 'Where the embedded Postgres and the unpacked Chromium live',
    commands: [...WITH_DATABASE, 'render'],
  },
  port: {
    env: 'PORT',
    kind: { type: 'integer', min: 0, max: 65_535 },
    default: '3000',
    description: 'Port of the API; 0 takes a free one',
    commands: WITH_API,
  },
  host: {
    env: 'HOST',
    kind: { type: 'host' },
    default: '127.0.0.1',
    description: 'Address the API listens on',
    commands: WITH_API,
  },
  httpMaxConnections: {
    env: 'HTTP_MAX_CONNECTIONS',
    kind: { type: 'integer', min: 1, max: 1_000_000 },
    default: '10000',
    description: 'Connections of clients to one API process, at most; more are closed at once',
    commands: WITH_API,
  },
  httpMaxBufferedMb: {
    env: 'HTTP_MAX_BUFFERED_MB',
    kind: { type: 'integer', min: 16, max: 100_000 },
    default: '128',
    description:
      'Megabytes of bodies that one API process holds at a time, at most, and as many of PDFs that it sends; more are answered 503. One tenant has an eighth of it, or 20 MB',
    commands: WITH_API,
  },
  opsPort: {
    env: 'OPS_PORT',
    kind: { type: 'integer', min: 0, max: 65_535 },
    default: undefined,
    defaultNote: 'none: they are not served',
    description: 'Port of `/metrics`, `/livez`, `/readyz` and `/startupz` of this process; not for the public',
    commands: ['up', 'serve', 'work'],
  },
  workerConcurrency: {
    env: 'PDFPROMPT_WORKER_CONCURRENCY',
    kind: { type: 'integer-or-auto', min: 1, max: 500 },
    default: 'auto',
    defaultNote: '`auto`: what gives the best throughput on this machine',
    description: 'Documents that one worker renders at a time',
    commands: WITH_WORKER,
  },
  maxPdfConcurrency: {
    env: 'MAX_PDF_CONCURRENCY',
    kind: { type: 'integer', min: 1, max: 500 },
    default: '50',
    description: 'Ceiling over the concurrency of one worker, `auto` included',
    commands: WITH_WORKER,
  },
  batchSize: {
    env: 'PDFPROMPT_BATCH_SIZE',
    kind: { type: 'integer', min: 1, max: 500 },
    default: '10',
    description: 'Jobs claimed in one transaction, at most; never more than there are free slots',
    commands: WITH_WORKER,
  },
  browserPoolSize: {
    env: 'BROWSER_POOL_SIZE',
    kind: { type: 'integer', min: 1, max: 100 },
    default: '10',
    description: 'Browsers of one worker, at most; they start when they are needed',
    commands: [...WITH_WORKER, 'render'],
  },
  browserMaxPages: {
    env: 'BROWSER_MAX_PAGES_PER_BROWSER',
    kind: { type: 'integer', min: 1, max: 100 },
    default: '5',
    description: 'Documents that one browser renders at a time, at most',
    commands: [...WITH_WORKER, 'render'],
  },
  browserMaxAgeMs: {
    env: 'BROWSER_MAX_AGE_MS',
    kind: { type: 'duration', unit: 'milliseconds', min: 1_000, max: 604_800_000 },
    default: '1800000',
    description: 'Milliseconds after which a browser is replaced',
    commands: WITH_WORKER,
  },
  browserMaxDocuments: {
    env: 'BROWSER_MAX_DOCUMENTS',
    kind: { type: 'integer', min: 1, max: 1_000_000 },
    default: '10000',
    description: 'Documents after which a browser is replaced',
    commands: WITH_WORKER,
  },
  browserMemoryLimitMb: {
    env: 'BROWSER_MEMORY_LIMIT_MB',
    kind: { type: 'integer', min: 50, max: 100_000 },
    default: '300',
    description: 'Megabytes that a browser may take for each document it renders at a time; then it is replaced',
    commands: WITH_WORKER,
  },
  browserWarmPages: {
    env: 'BROWSER_WARM_PAGES',
    kind: { type: 'integer', min: 0, max: 10_000 },
    default: '200',
    description:
      'Pages that one worker keeps warm for the tenants it served last, at most; each takes some 20 MB, and all together never more than two fifths of the memory',
    commands: WITH_WORKER,
  },
  renderIsolation: {
    env: 'RENDER_ISOLATION',
    kind: { type: 'choice', values: ['tenant', 'job', 'shared'] },
    default: 'tenant',
    description:
      '`tenant`: a page serves one tenant only, wiped between jobs; `job`: a new page for each job, slower; `shared`: all tenants have the same pages, for those who trust every document',
    commands: WITH_WORKER,
  },
  chromePath: {
    env: 'CHROME_PATH',
    kind: { type: 'path' },
    default: undefined,
    defaultNote: 'looked for; `pdfprompt doctor` says what was found',
    description: 'The chrome-headless-shell or Chrome to run',
    commands: WITH_BROWSER,
  },
  unsafeNoSandbox: {
    env: 'CHROMIUM_UNSAFE_NO_SANDBOX',
    kind: { type: 'boolean' },
    default: 'false',
    description:
      "`true`: Chromium without its sandbox, where it cannot have one; then a document that breaks Chromium has the worker's rights",
    commands: WITH_BROWSER,
  },
  webgl: {
    env: 'CHROMIUM_WEBGL',
    kind: { type: 'boolean' },
    default: 'false',
    description:
      '`true`: documents may draw with WebGL, as maps and some charts do; on the CPU, in a process that Chromium cannot put into its sandbox (docs/security.md)',
    commands: WITH_BROWSER,
  },
  renderJail: {
    env: 'RENDER_JAIL',
    kind: { type: 'choice', values: ['auto', 'namespace', 'proxy'] },
    default: 'auto',
    description:
      "How browsers are kept from the network. `namespace`: each in one of its own, which has nothing in it but pdfprompt's proxy (Linux); `proxy`: in this machine's, told to use the proxy; `auto`: the first that can be had",
    commands: WITH_BROWSER,
  },
  egressPolicy: {
    env: 'EGRESS_POLICY',
    kind: { type: 'choice', values: ['public', 'none'] },
    default: 'public',
    description:
      'Where documents may load from. `public`: web servers (ports 80, 443) on the public internet; `none`: nowhere. `EGRESS_ALLOW` adds to both',
    commands: WITH_BROWSER,
  },
  egressRules: {
    env: 'EGRESS_ALLOW',
    kind: { type: 'egress-rules' },
    default: undefined,
    defaultNote: 'nothing',
    description:
      'Networks and hosts that every document may load from besides, separated by commas: `10.1.0.0/16`, `10.1.2.3:8080`, `intranet.example`, `*.intranet.example:8443`; without a port 80 and 443',
    commands: WITH_BROWSER,
  },
  documentMaxEgressMb: {
    env: 'DOCUMENT_MAX_EGRESS_MB',
    kind: { type: 'integer', min: 1, max: 100_000 },
    default: '100',
    description: 'Megabytes that one document may load and send; then its connections end',
    commands: [...WITH_WORKER, 'render'],
  },
  pdfMaxBytes: {
    env: 'PDF_MAX_BYTES',
    kind: { type: 'integer', min: 1_024, max: 1_000_000_000 },
    default: '104857600',
    description: 'Bytes of one PDF, at most; a larger one fails its job',
    commands: [...WITH_WORKER, 'render'],
  },
  pdfMaxPages: {
    env: 'PDF_MAX_PAGES',
    kind: { type: 'integer', min: 1, max: 1_000_000 },
    default: '5000',
    description: 'Pages of one PDF, at most; one with more fails its job',
    commands: [...WITH_WORKER, 'render'],
  },
  documentMaxResources: {
    env: 'DOCUMENT_MAX_RESOURCES',
    kind: { type: 'integer', min: 1, max: 1_000_000 },
    default: '1000',
    description: 'Requests that one document may make, redirects and scripts of its own included; more fail its job',
    commands: [...WITH_WORKER, 'render'],
  },
  documentMemoryLimitMb: {
    env: 'DOCUMENT_MEMORY_LIMIT_MB',
    kind: { type: 'integer', min: 64, max: 100_000 },
    default: '2048',
    description:
      'Megabytes that one document may take while it is rendered, if its worker has them; more fail its job. A table of 10,000 rows with five columns takes 1,200',
    commands: [...WITH_WORKER, 'render'],
  },
  pdfStore: {
    env: 'PDF_STORE',
    kind: { type: 'store' },
    default: 'postgres',
    description:
      'Where PDFs are kept: `postgres`, or a directory as `file:///var/pdfs` that the API and every worker can reach',
    commands: ['up', 'serve', 'work', 'users', 'doctor', 'plan'],
  },
  pdfRetentionMs: {
    env: 'PDF_RETENTION',
    kind: { type: 'duration', unit: 'seconds', min: 60, max: 315_360_000 },
    default: '604800',
    description: 'Seconds that a PDF is kept; afterwards it answers 410',
    commands: ['up', 'work', 'plan'],
  },
  shutdownGraceMs: {
    env: 'SHUTDOWN_GRACE',
    kind: { type: 'duration', unit: 'seconds', min: 0, max: 3_600 },
    default: '25',
    description: 'Seconds that running documents and requests get to finish at a shutdown; `up` takes at most 3',
    commands: ['up', 'serve', 'work'],
  },
  autoscaleTargetWaitMs: {
    env: 'AUTOSCALE_TARGET_WAIT',
    kind: { type: 'duration', unit: 'seconds', min: 1, max: 86_400 },
    default: '60',
    description: 'Seconds that a job may wait: `desired_workers` is the number of workers that keeps to it',
    commands: WITH_FLEET,
  },
  autoscaleMinWorkers: {
    env: 'AUTOSCALE_MIN_WORKERS',
    kind: { type: 'integer', min: 0, max: 10_000 },
    default: '1',
    description: '`desired_workers`, at least',
    commands: WITH_FLEET,
  },
  autoscaleMaxWorkers: {
    env: 'AUTOSCALE_MAX_WORKERS',
    kind: { type: 'integer', min: 1, max: 10_000 },
    default: '10',
    description: '`desired_workers`, at most',
    commands: WITH_FLEET,
  },
  autoscaleDownAfterMs: {
    env: 'AUTOSCALE_DOWN_AFTER',
    kind: { type: 'duration', unit: 'seconds', min: 0, max: 86_400 },
    default: '300',
    description: 'Seconds for which fewer workers must have sufficed before `desired_workers` falls',
    commands: WITH_FLEET,
  },
  adminKey: {
    env: 'PDFPROMPT_ADMIN_KEY',
    kind: { type: 'api-key' },
    default: undefined,
    defaultNote: 'one is made in the database, and ended afterwards',
    description: 'A key with the scope `admin`, with which a load test makes its users',
    commands: ['bench'],
    secret: true,
  },
  logLevel: {
    env: 'LOG_LEVEL',
    kind: { type: 'choice', values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] },
    default: 'info',
    description: 'Log lines below this level are left out',
    commands: ['up', 'serve', 'work', 'render', 'migrate'],
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_LIST: readonly (Setting & { name: SettingName })[] = Object.entries(SETTINGS).map(
  ([name, setting]) => ({
    name: name as SettingName,
    ...(setting as Setting),
  }),
);

/** `DATABASE_URL` → `database-url`; a prefix of ours is left out: `PDFPROMPT_DATA_DIR` → `data-dir`. */
export function flagOf(setting: Setting): string {
  const short = setting.env === 'PDFPROMPT_WORKER_CONCURRENCY' ? 'CONCURRENCY' : setting.env.replace(/^PDFPROMPT_/, '');
  return short.toLowerCase().replaceAll('_', '-');
}

/** What a setting may be, for people. */
export function allowedValues(kind: Kind): string {
  switch (kind.type) {
    case 'integer':
      return `a whole number from ${kind.min} to ${kind.max}`;
    case 'integer-or-auto':
      return `auto, or a whole number from ${kind.min} to ${kind.max}`;
    case 'duration':
      return `${kind.unit}, from ${kind.min} to ${kind.max}`;
    case 'choice':
      return kind.values.join(', ');
    case 'boolean':
      return 'true or false';
    case 'postgres-url':
      return 'postgres://user:password@host:port/database';
    case 'store':
      return 'postgres, or an absolute directory as file:///…';
    case 'egress-rules':
      return EGRESS_RULES_ALLOWED;
    case 'path':
      return 'a path';
    case 'host':
      return 'an IP address or a host name';
    case 'api-key':
      return 'a key as pdf_…';
  }
}

/** Where `auto` concurrency begins: rendering is bound by the CPU, so one for each core and one that waits for the database. */
export function initialConcurrency(): number {
  return availableParallelism() + 1;
}
