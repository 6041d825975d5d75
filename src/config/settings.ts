import { FEWEST_CONNECTIONS } from './connections.ts';
import { MAX_FILES } from '../domain/source.ts';
import * as kinds from './kinds.ts';

/** The commands that read settings; every setting names those that it concerns. */
type SettingCommand =
  | 'up'
  | 'serve'
  | 'work'
  | 'render'
  | 'templates'
  | 'batch'
  | 'mcp'
  | 'migrate'
  | 'keys'
  | 'tier'
  | 'tiers'
  | 'users'
  | 'console'
  | 'jobs'
  | 'db'
  | 'status'
  | 'doctor'
  | 'bench'
  | 'plan';

export interface Setting {
  env: string;
  kind: kinds.Kind<unknown>;
  /** as text, the way it would be written; without one the setting is optional */
  default?: string;
  /** shown instead of the default where that depends on the machine */
  defaultNote?: string;
  description: string;
  commands: readonly SettingCommand[];
  /** never shown in logs and messages */
  secret?: boolean;
}

/** that speak with a running service */
const WITH_SERVICE = ['templates', 'batch', 'mcp'] as const;
const WITH_ACCOUNTS = ['keys', 'tier', 'tiers', 'users', 'console', 'jobs', 'db', 'status'] as const;
const WITH_DATABASE = ['up', 'serve', 'work', 'migrate', ...WITH_ACCOUNTS, 'doctor', 'bench', 'plan'] as const;
const WITH_API = ['up', 'serve'] as const;
const WITH_FLEET = ['up', 'serve', 'work'] as const;
const WITH_WORKER = ['up', 'work'] as const;
const WITH_RENDERER = ['up', 'work', 'render'] as const;
const WITH_COMPOSER = ['up', 'serve', 'work', 'render'] as const;
const WITH_SIGNER = ['up', 'work', 'render', 'doctor'] as const;
const WITH_STORE = ['up', 'serve', 'work', 'users', 'jobs', 'doctor'] as const;
const WITH_BROWSER = ['up', 'work', 'render', 'doctor', 'plan'] as const;
const WITH_EGRESS = [...WITH_BROWSER, 'serve'] as const;

/**
 * Every setting. The command line's flags, the environment variables, `--help`, `.env.example` and the README's table
 * are made from it: `DATABASE_URL` is `--database-url`, and so on.
 */
export const SETTINGS = {
  databaseUrl: {
    env: 'DATABASE_URL',
    kind: kinds.postgresUrl,
    defaultNote: 'an embedded Postgres in `PDFPROMPT_DATA_DIR`',
    description: 'The Postgres database of the queue, the accounts and the PDFs',
    commands: WITH_DATABASE,
    secret: true,
  },
  databaseDirectUrl: {
    env: 'DATABASE_DIRECT_URL',
    kind: kinds.postgresUrl,
    defaultNote: '`DATABASE_URL`',
    description:
      'The same database without a pooler in between, for what needs a session: migrations, notifications and the locks of workers',
    commands: WITH_DATABASE,
    secret: true,
  },
  databaseReadReplicaUrl: {
    env: 'DATABASE_READ_REPLICA_URL',
    kind: kinds.postgresUrl,
    defaultNote: 'none: everything is read from the primary',
    description:
      'A streaming standby of `DATABASE_URL` for listings, usage and statistics while it is healthy; it takes up to half of `DATABASE_MAX_CONNECTIONS` in addition',
    commands: ['up', 'serve', 'doctor'],
    secret: true,
  },
  databaseMaxConnections: {
    env: 'DATABASE_MAX_CONNECTIONS',
    kind: kinds.integer(FEWEST_CONNECTIONS, 1000),
    default: '20',
    description: 'Connections of one process to Postgres, at most',
    commands: ['up', 'serve', 'work', 'doctor'],
  },
  databaseIdleTimeoutMs: {
    env: 'DATABASE_IDLE_TIMEOUT',
    kind: kinds.duration('seconds', 1, 86_400),
    default: '20',
    description: 'Seconds after which an unused connection is closed',
    commands: WITH_FLEET,
  },
  databaseConnectTimeoutMs: {
    env: 'DATABASE_CONNECT_TIMEOUT',
    kind: kinds.duration('seconds', 1, 300),
    default: '10',
    description: 'Seconds to wait for a connection to Postgres',
    commands: WITH_DATABASE,
  },
  databasePrepare: {
    env: 'DATABASE_PREPARE',
    kind: kinds.boolean,
    default: 'true',
    description:
      'Whether connections keep state, such as prepared statements; `false` behind a pooler in transaction mode, with `DATABASE_DIRECT_URL`',
    commands: ['up', 'serve', 'work', 'doctor'],
  },
  cacheMaxEntries: {
    env: 'CACHE_MAX_ENTRIES',
    kind: kinds.integer(0, 10_000_000),
    default: '10000',
    description: 'Entries of each cache of one API process, at most; 0 turns the caches off',
    commands: WITH_API,
  },
  cacheTtlSubscriptionsMs: {
    env: 'CACHE_TTL_SUBSCRIPTIONS',
    kind: kinds.duration('seconds', 0, 31_536_000),
    default: '300',
    description:
      'Seconds for which the user and the tier of an API key are cached; 0: for ever. Changes apply at once all the same, by a notification of the database',
    commands: WITH_API,
  },
  cacheTtlLimitsMs: {
    env: 'CACHE_TTL_LIMITS',
    kind: kinds.duration('seconds', 0, 86_400),
    default: '60',
    description: 'Seconds for which the refusal of a tenant at its limit is cached, at most; 0: until it is over',
    commands: WITH_API,
  },
  cacheTtlTiersMs: {
    env: 'CACHE_TTL_TIERS',
    kind: kinds.duration('seconds', 0, 31_536_000),
    default: '0',
    description: 'Seconds for which tiers are cached; 0: for ever. Changes apply at once all the same',
    commands: WITH_API,
  },
  dataDir: {
    env: 'PDFPROMPT_DATA_DIR',
    kind: kinds.path,
    defaultNote: '`~/.local/share/pdfprompt`; for root `/var/lib/pdfprompt`',
    description: 'Directory of the embedded Postgres and the unpacked Chromium',
    commands: [...WITH_DATABASE, 'render', ...WITH_SERVICE],
  },
  port: {
    env: 'PORT',
    kind: kinds.integer(0, 65_535),
    default: '3000',
    description: 'Port of the API; 0 takes a free one',
    commands: [...WITH_API, 'console'],
  },
  publicUrl: {
    env: 'PUBLIC_URL',
    kind: kinds.webAddress,
    defaultNote: 'none: links begin with the host of the request, and webhooks have the path only',
    description: 'Where users reach the API, for links and webhooks',
    commands: [...WITH_FLEET, 'console'],
  },
  corsOrigins: {
    env: 'CORS_ORIGINS',
    kind: kinds.origins,
    defaultNote: 'none',
    description:
      'Origins of web pages whose scripts may call the API with a key of their own, separated by commas; `*`: all',
    commands: WITH_API,
  },
  host: {
    env: 'HOST',
    kind: kinds.host,
    default: '127.0.0.1',
    description: 'Address the API listens on',
    commands: WITH_API,
  },
  httpMaxConnections: {
    env: 'HTTP_MAX_CONNECTIONS',
    kind: kinds.integer(1, 1_000_000),
    default: '10000',
    description: 'Connections of clients to one API process, at most; further ones are closed at once',
    commands: WITH_API,
  },
  httpMaxBufferedMb: {
    env: 'HTTP_MAX_BUFFERED_MB',
    kind: kinds.integer(16, 100_000),
    default: '128',
    description:
      'Megabytes of request bodies in the memory of one API process, at most, and as many of PDFs being sent; requests beyond that are answered 503. One tenant gets an eighth of it, or 20 MB',
    commands: WITH_API,
  },
  compat: {
    env: 'COMPAT',
    kind: kinds.choices('gotenberg', 'browserless'),
    defaultNote: 'none',
    description:
      'Services whose routes this one answers too, so that their clients work unchanged: `gotenberg` (version 8), `browserless` (and Cloudflare’s), or both',
    commands: WITH_API,
  },
  compatUser: {
    env: 'COMPAT_USER',
    kind: kinds.email,
    defaultNote: 'none: a key is required',
    description:
      'Email of the user to whom requests without a key belong, on the routes of `COMPAT` only. Anyone who reaches the port may then print',
    commands: WITH_API,
  },
  compatTimeoutMs: {
    env: 'COMPAT_TIMEOUT',
    kind: kinds.duration('seconds', 1, 300),
    default: '60',
    description:
      'Seconds that a request on the routes of `COMPAT` may take, waiting in the queue included; then it is answered 503 (408 as browserless does), and its job is cancelled',
    commands: WITH_API,
  },
  opsPort: {
    env: 'OPS_PORT',
    kind: kinds.integer(0, 65_535),
    defaultNote: 'none: they are not served',
    description: 'Port of `/metrics`, `/livez`, `/readyz` and `/startupz` of this process; not for the public',
    commands: WITH_FLEET,
  },
  workerConcurrency: {
    env: 'PDFPROMPT_WORKER_CONCURRENCY',
    kind: kinds.integerOrAuto(1, 500),
    default: 'auto',
    defaultNote: '`auto`: what gives the best throughput on this machine',
    description: 'Documents that one worker renders at a time',
    commands: WITH_WORKER,
  },
  maxPdfConcurrency: {
    env: 'MAX_PDF_CONCURRENCY',
    kind: kinds.integer(1, 500),
    default: '50',
    description: 'Upper limit of the concurrency of one worker, `auto` included',
    commands: WITH_WORKER,
  },
  batchSize: {
    env: 'PDFPROMPT_BATCH_SIZE',
    kind: kinds.integer(1, 500),
    default: '10',
    description: 'Jobs claimed in one transaction, at most; never more than there are free slots',
    commands: WITH_WORKER,
  },
  workOnly: {
    env: 'WORK_ONLY',
    kind: kinds.choice('jobs', 'deliveries'),
    defaultNote: 'both',
    description: 'What this worker does: `jobs` renders, `deliveries` sends webhooks and uploads and needs no Chromium',
    commands: ['work'],
  },
  deliveryConcurrency: {
    env: 'DELIVERY_CONCURRENCY',
    kind: kinds.integer(1, 1_000),
    default: '64',
    description:
      'Webhooks that one worker sends at a time; one tenant gets a quarter of them, one host half; those whose receivers have not answered for 4 s count no longer',
    commands: WITH_WORKER,
  },
  browserPoolSize: {
    env: 'BROWSER_POOL_SIZE',
    kind: kinds.integer(1, 100),
    default: '10',
    description: 'Browsers of one worker, at most; they start when they are needed',
    commands: WITH_RENDERER,
  },
  browserMaxPages: {
    env: 'BROWSER_MAX_PAGES_PER_BROWSER',
    kind: kinds.integer(1, 100),
    default: '5',
    description: 'Documents that one browser renders at a time, at most',
    commands: WITH_RENDERER,
  },
  browserMaxAgeMs: {
    env: 'BROWSER_MAX_AGE_MS',
    kind: kinds.duration('milliseconds', 1_000, 604_800_000),
    default: '1800000',
    description: 'Milliseconds after which a browser is replaced',
    commands: WITH_WORKER,
  },
  browserMaxDocuments: {
    env: 'BROWSER_MAX_DOCUMENTS',
    kind: kinds.integer(1, 1_000_000),
    default: '10000',
    description: 'Documents after which a browser is replaced',
    commands: WITH_WORKER,
  },
  browserMemoryLimitMb: {
    env: 'BROWSER_MEMORY_LIMIT_MB',
    kind: kinds.integer(50, 100_000),
    default: '300',
    description: 'Megabytes that a browser may use for each document it renders at a time; above that it is replaced',
    commands: WITH_WORKER,
  },
  browserWarmPages: {
    env: 'BROWSER_WARM_PAGES',
    kind: kinds.integer(0, 10_000),
    default: '200',
    description:
      'Pages that one worker keeps warm for its most recent tenants, at most; each takes some 20 MB, and all together at most two fifths of the memory',
    commands: WITH_WORKER,
  },
  browserSparePages: {
    env: 'BROWSER_SPARE_PAGES',
    kind: kinds.integer(0, 100),
    default: '4',
    description:
      'Pages that one worker keeps ready for tenants without a warm page, at most half of `BROWSER_WARM_PAGES`, which they count towards; opened while a core is free',
    commands: WITH_WORKER,
  },
  renderIsolation: {
    env: 'RENDER_ISOLATION',
    kind: kinds.choice('tenant', 'static', 'job', 'shared'),
    default: 'tenant',
    description:
      '`tenant`: a page serves one tenant only and is wiped between jobs; `static`: the same, but documents that run no script and load nothing from outside share pages, faster with many tenants (see [security](security.md)); `job`: a new page for each job, slower; `shared`: all tenants share pages, only for documents that are all trusted',
    commands: [...WITH_WORKER, 'plan'],
  },
  chromePath: {
    env: 'CHROME_PATH',
    kind: kinds.path,
    defaultNote: 'searched for; `pdfprompt doctor` says what was found',
    description: 'The chrome-headless-shell or Chrome to run',
    commands: [...WITH_BROWSER, 'status'],
  },
  fontsDir: {
    env: 'FONTS_DIR',
    kind: kinds.path,
    defaultNote: 'none: the fonts of the system, and of packages beside pdfprompt',
    description:
      'A directory of fonts (`.ttf`, `.otf`, `.ttc`) that every document may use by family name, read when a worker starts',
    commands: WITH_BROWSER,
  },
  unsafeNoSandbox: {
    env: 'CHROMIUM_UNSAFE_NO_SANDBOX',
    kind: kinds.boolean,
    default: 'false',
    description:
      "`true`: Chromium runs without its sandbox, where it cannot have one; a document that breaks Chromium then has the worker's rights",
    commands: WITH_BROWSER,
  },
  webgl: {
    env: 'CHROMIUM_WEBGL',
    kind: kinds.boolean,
    default: 'false',
    description:
      '`true`: documents may draw with WebGL, as maps and some charts do; it runs on the CPU, in a process outside the sandbox of Chromium (docs/security.md)',
    commands: WITH_BROWSER,
  },
  renderJail: {
    env: 'RENDER_JAIL',
    kind: kinds.choice('auto', 'namespace', 'proxy'),
    default: 'auto',
    description:
      "How browsers are isolated from the network. `namespace`: each has its own network namespace, in which there is only pdfprompt's proxy (Linux); `proxy`: they share this machine's network and are set to use the proxy; `auto`: the first that is possible",
    commands: WITH_BROWSER,
  },
  egressPolicy: {
    env: 'EGRESS_POLICY',
    kind: kinds.choice('public', 'none'),
    default: 'public',
    description:
      'Where documents may load from, and where webhooks and uploads may go. `public`: web servers (ports 80, 443) on the public internet; `none`: nowhere. `EGRESS_ALLOW` adds to both',
    commands: WITH_EGRESS,
  },
  egressRules: {
    env: 'EGRESS_ALLOW',
    kind: kinds.egressRules,
    defaultNote: 'nothing',
    description:
      'More networks and hosts that documents may load from, and webhooks and uploads may go to (tenants see the beginning of the answers), separated by commas: `10.1.0.0/16`, `10.1.2.3:8080`, `intranet.example`, `*.intranet.example:8443`; without a port: 80 and 443',
    commands: WITH_EGRESS,
  },
  documentMaxEgressMb: {
    env: 'DOCUMENT_MAX_EGRESS_MB',
    kind: kinds.integer(1, 100_000),
    default: '100',
    description: 'Megabytes that one document may load and send; then its connections are closed',
    commands: WITH_RENDERER,
  },
  pdfMaxBytes: {
    env: 'PDF_MAX_BYTES',
    kind: kinds.integer(1_024, 1_000_000_000),
    default: '104857600',
    description: 'Bytes of one PDF, at most; a larger one fails its job',
    commands: WITH_RENDERER,
  },
  pdfMaxPages: {
    env: 'PDF_MAX_PAGES',
    kind: kinds.integer(1, 1_000_000),
    default: '5000',
    description: 'Pages of one PDF, at most; one with more fails its job',
    commands: WITH_RENDERER,
  },
  mergedMaxMb: {
    env: 'MERGED_MAX_MB',
    kind: kinds.integer(1, 4_000),
    default: '1000',
    description:
      'Megabytes of the PDF that the items of a batch are merged into, at most; its worker has it in memory. A larger one fails the batch; its items stay',
    commands: WITH_RENDERER,
  },
  mergedMaxPages: {
    env: 'MERGED_MAX_PAGES',
    kind: kinds.integer(1, 10_000_000),
    default: '200000',
    description: 'Pages of the PDF that the items of a batch are merged into, at most; more fail the batch',
    commands: WITH_RENDERER,
  },
  documentMaxResources: {
    env: 'DOCUMENT_MAX_RESOURCES',
    kind: kinds.integer(1, 1_000_000),
    default: '1000',
    description: 'Requests that one document may make, redirects and those of its scripts included; more fail its job',
    commands: WITH_RENDERER,
  },
  documentMemoryLimitMb: {
    env: 'DOCUMENT_MEMORY_LIMIT_MB',
    kind: kinds.integer(64, 100_000),
    default: '2048',
    description:
      'Megabytes that one document may use while it is rendered, and the steps after print as well, if its worker has them; more fail its job. A table of 10,000 rows with five columns uses 1,200',
    commands: WITH_RENDERER,
  },
  templateTimeoutMs: {
    env: 'TEMPLATE_TIMEOUT',
    kind: kinds.duration('seconds', 0.1, 300),
    default: '5',
    description: 'Seconds that filling in one template, or one text in markdown, may take; more fail its job',
    commands: WITH_COMPOSER,
  },
  templateMemoryMb: {
    env: 'TEMPLATE_MEMORY_MB',
    kind: kinds.integer(128, 100_000),
    default: '256',
    description:
      'Megabytes that filling in one template, or one text in markdown, may use; more fail its job. A worker does up to two at once',
    commands: WITH_COMPOSER,
  },
  signCertificateFile: {
    env: 'SIGN_CERTIFICATE_FILE',
    kind: kinds.path,
    defaultNote: 'none: jobs that ask for a signature fail',
    description:
      'The certificate with which PDFs are signed, and its private key: PKCS #12 (`.p12`, `.pfx`), or PEM with both; read when a worker starts',
    commands: WITH_SIGNER,
  },
  signPassword: {
    env: 'SIGN_PASSWORD',
    kind: kinds.password,
    defaultNote: 'none',
    description: 'The password of `SIGN_CERTIFICATE_FILE`',
    commands: WITH_SIGNER,
    secret: true,
  },
  signTimestampUrl: {
    env: 'SIGN_TIMESTAMP_URL',
    kind: kinds.webAddress,
    defaultNote: 'none: signatures say the time of the worker',
    description: 'A server of time stamps (RFC 3161) that the worker asks for each signature',
    commands: WITH_SIGNER,
  },
  uploadMaxMb: {
    env: 'UPLOAD_MAX_MB',
    kind: kinds.integer(1, 10_000),
    default: '100',
    description:
      'Megabytes of a request with files, at most, and of what its zips unpack to; they are in temporary files until it is answered',
    commands: WITH_API,
  },
  uploadMaxFiles: {
    env: 'UPLOAD_MAX_FILES',
    kind: kinds.integer(1, MAX_FILES),
    default: '1000',
    description: 'Files of one request, at most, those in zips included',
    commands: WITH_API,
  },
  batchMaxMb: {
    env: 'BATCH_MAX_MB',
    kind: kinds.integer(1, 10_000),
    default: '256',
    description: 'Megabytes of a batch as it is sent, at most; it is in temporary files, twice, until it is answered',
    commands: WITH_API,
  },
  assetsMaxMb: {
    env: 'ASSETS_MAX_MB',
    kind: kinds.integer(1, 1_000_000),
    default: '1000',
    description:
      'Megabytes that all files of one user may take: those of their templates, and those that were sent lately',
    commands: WITH_FLEET,
  },
  assetCacheMb: {
    env: 'ASSET_CACHE_MB',
    kind: kinds.integer(0, 100_000),
    default: '64',
    description: 'Megabytes of fonts, pictures and other files of documents that a worker keeps in memory; 0: none',
    commands: WITH_RENDERER,
  },
  pdfStore: {
    env: 'PDF_STORE',
    kind: kinds.store,
    default: 'postgres',
    description:
      'Where PDFs are stored: `postgres`, a directory that every process can reach, `file:///var/pdfs`, or a bucket of S3 or a compatible service, `s3://bucket/prefix`',
    commands: [...WITH_STORE, 'plan'],
  },
  s3Endpoint: {
    env: 'S3_ENDPOINT',
    kind: kinds.webAddress,
    defaultNote: "Amazon's in `S3_REGION`",
    description:
      'Address of the service that has the bucket of `PDF_STORE`, if it is not Amazon: MinIO, Cloudflare R2, Google Cloud Storage, …',
    commands: WITH_STORE,
  },
  s3Region: {
    env: 'S3_REGION',
    kind: kinds.region,
    default: 'us-east-1',
    description: 'Region of the bucket of `PDF_STORE`; `auto` for Cloudflare R2',
    commands: WITH_STORE,
  },
  awsAccessKeyId: {
    env: 'AWS_ACCESS_KEY_ID',
    kind: kinds.secretText,
    defaultNote: 'none; needed for `PDF_STORE=s3://…`',
    description: 'The access key with which PDFs are stored in a bucket',
    commands: WITH_STORE,
    secret: true,
  },
  awsSecretAccessKey: {
    env: 'AWS_SECRET_ACCESS_KEY',
    kind: kinds.secretText,
    defaultNote: 'none; needed for `PDF_STORE=s3://…`',
    description: 'The secret of `AWS_ACCESS_KEY_ID`',
    commands: WITH_STORE,
    secret: true,
  },
  awsSessionToken: {
    env: 'AWS_SESSION_TOKEN',
    kind: kinds.secretText,
    defaultNote: 'none',
    description:
      'The token of temporary credentials; they are not renewed, so the process has to be restarted with new ones',
    commands: WITH_STORE,
    secret: true,
  },
  pdfRetentionMs: {
    env: 'PDF_RETENTION',
    kind: kinds.duration('seconds', 60, 315_360_000),
    default: '604800',
    description:
      'Seconds that a PDF is kept; afterwards it answers 410. A request, a user and a tier may say another time',
    commands: ['up', 'work', 'plan'],
  },
  pdfRetentionMaxMs: {
    env: 'PDF_RETENTION_MAX',
    kind: kinds.duration('seconds', 60, 315_360_000),
    default: '2592000',
    description: 'Seconds that a request may ask for as its `retention`, at most; `PDF_RETENTION` if that is more',
    commands: WITH_FLEET,
  },
  auditRetentionMs: {
    env: 'AUDIT_RETENTION',
    kind: kinds.duration('seconds', 86_400, 315_360_000),
    default: '31536000',
    description: 'Seconds that the audit log is kept: who looked at which document, and who did what for whom',
    commands: ['up', 'work'],
  },
  shutdownGraceMs: {
    env: 'SHUTDOWN_GRACE',
    kind: kinds.duration('seconds', 0, 3_600),
    default: '25',
    description: 'Seconds that running documents and requests get to finish at a shutdown; with `up` at most 3',
    commands: WITH_FLEET,
  },
  autoscaleTargetWaitMs: {
    env: 'AUTOSCALE_TARGET_WAIT',
    kind: kinds.duration('seconds', 1, 86_400),
    default: '60',
    description: 'Seconds that a job may wait: `desired_workers` is the number of workers that this takes',
    commands: WITH_FLEET,
  },
  autoscaleMinWorkers: {
    env: 'AUTOSCALE_MIN_WORKERS',
    kind: kinds.integer(0, 10_000),
    default: '1',
    description: '`desired_workers`, at least',
    commands: WITH_FLEET,
  },
  autoscaleMaxWorkers: {
    env: 'AUTOSCALE_MAX_WORKERS',
    kind: kinds.integer(1, 10_000),
    default: '10',
    description: '`desired_workers`, at most',
    commands: WITH_FLEET,
  },
  autoscaleDownAfterMs: {
    env: 'AUTOSCALE_DOWN_AFTER',
    kind: kinds.duration('seconds', 0, 86_400),
    default: '300',
    description: 'Seconds for which fewer workers must have been enough before `desired_workers` falls',
    commands: WITH_FLEET,
  },
  serviceUrl: {
    env: 'PDFPROMPT_URL',
    kind: kinds.webAddress,
    defaultNote: 'that of `pdfprompt up` on this machine, `http://127.0.0.1:PORT`',
    description: 'A running service: its templates are pushed, pulled, listed and deleted, and batches are sent to it',
    commands: [...WITH_SERVICE, 'status'],
  },
  serviceKey: {
    env: 'PDFPROMPT_KEY',
    kind: kinds.apiKey,
    defaultNote: 'on this machine that of `pdfprompt up`',
    description: 'The key of the user whose templates and batches they are',
    commands: WITH_SERVICE,
    secret: true,
  },
  adminKey: {
    env: 'PDFPROMPT_ADMIN_KEY',
    kind: kinds.apiKey,
    defaultNote: 'one is created in the database, and revoked afterwards',
    description: 'A key with the scope `admin`, with which a load test creates its users',
    commands: ['bench'],
    secret: true,
  },
  logLevel: {
    env: 'LOG_LEVEL',
    kind: kinds.choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    description: 'The lowest level of log lines that are written',
    commands: ['up', 'serve', 'work', 'render', 'migrate'],
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_LIST = Object.entries<Setting>(SETTINGS).map(([name, setting]) => ({
  name: name as SettingName,
  ...setting,
}));

/** Flags of the one command that has the setting. */
const SHORT: Record<string, string> = { PDFPROMPT_WORKER_CONCURRENCY: 'concurrency', WORK_ONLY: 'only' };

/** `DATABASE_URL` → `database-url`, without our prefix: `PDFPROMPT_DATA_DIR` → `data-dir`. */
export function flagOf(setting: Setting): string {
  return (
    SHORT[setting.env] ??
    setting.env
      .replace(/^PDFPROMPT_/, '')
      .toLowerCase()
      .replaceAll('_', '-')
  );
}
