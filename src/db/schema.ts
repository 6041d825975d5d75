import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  date,
  doublePrecision,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Audited } from '../domain/audit-act.ts';
import type { BadRow, BatchResult, BatchStatus } from '../domain/batch.ts';
import type { BulkActionName, BulkActionStatus } from '../domain/bulk-action.ts';
import type { DeliveryKind, DeliveryOptions, DeliveryStatus } from '../domain/delivery.ts';
import type { FailedResource, JobMetadata, JobStatus, JobTimings } from '../domain/job.ts';
import type { EventType } from '../domain/event-type.ts';
import { type FileType, PDF_TYPE } from '../domain/media-type.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import type { ConsoleMessage } from '../domain/page-report.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import type { PdfRequest, PrintSettings } from '../domain/pdf-request.ts';
import type { LimitOverrides } from '../domain/limit-overrides.ts';
import type { Missed, RunStatus } from '../domain/schedule.ts';
import { OWN_SCOPES, type Scope } from '../domain/scope.ts';

/*
 * The tables as drizzle needs them. `sql/` creates them, with their checks, keys and indexes;
 * test/integration/schema.test.ts compares the two.
 */

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** What is in the column `request` of a request; its parts are rows, the other members have columns of their own. */
export type StoredRequest = PrintSettings & Pick<PdfRequest, 'priority' | 'retention'>;

export const tier = pgTable('pdfprompt_tier', {
  name: text('name').primaryKey(),
  requestsPerMinute: integer('requests_per_minute'),
  requestsPerDay: integer('requests_per_day'),
  priority: smallint('priority').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
  retentionSeconds: integer('retention_seconds'),
});

export const user = pgTable('pdfprompt_user', {
  id: uuid('id').primaryKey(),
  email: text('email').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  erasedAt: instant('erased_at'),
  limits: jsonb('limits').$type<LimitOverrides>().notNull().default({}),
});

export const userSubscription = pgTable('pdfprompt_user_subscription', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  tier: text('tier').notNull(),
  startedAt: instant('started_at').notNull().defaultNow(),
  endedAt: instant('ended_at'),
  tierInForce: text('tier_in_force').generatedAlwaysAs(sql`case when ended_at is null then tier end`),
});

export const apiKey = pgTable('pdfprompt_api_key', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  prefix: text('prefix').notNull(),
  hash: bytea('hash').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  lastUsedAt: instant('last_used_at'),
  revokedAt: instant('revoked_at'),
  scopes: text('scopes')
    .array()
    .$type<Scope[]>()
    .notNull()
    .default([...OWN_SCOPES]),
  expiresAt: instant('expires_at'),
  replaces: uuid('replaces'),
});

export const consoleSession = pgTable('pdfprompt_console_session', {
  tokenHash: bytea('token_hash').primaryKey(),
  id: uuid('id').notNull().defaultRandom(),
  keyId: uuid('key_id'),
  userId: uuid('user_id'),
  scopes: text('scopes').array().$type<Scope[]>(),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at').notNull(),
  lastUsedAt: instant('last_used_at').notNull().defaultNow(),
  address: text('address'),
  browser: text('browser'),
});

export const signInLink = pgTable('pdfprompt_sign_in_link', {
  tokenHash: bytea('token_hash').primaryKey(),
  userId: uuid('user_id').notNull(),
  scopes: text('scopes').array().$type<Scope[]>().notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at').notNull(),
});

export const audit = pgTable('pdfprompt_audit', {
  id: uuid('id').primaryKey(),
  at: instant('at')
    .notNull()
    .default(sql`clock_timestamp()`),
  what: text('what').$type<Audited>().notNull(),
  byUserId: uuid('by_user_id'),
  byKeyId: uuid('by_key_id'),
  bySessionId: uuid('by_session_id'),
  userId: uuid('user_id'),
  jobId: uuid('job_id'),
  requestId: text('request_id'),
  detail: jsonb('detail').$type<Record<string, string | number>>(),
});

export const job = pgTable('pdfprompt_job', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  status: text('status').$type<JobStatus>().notNull().default('queued'),
  isQueued: boolean('is_queued')
    .notNull()
    .generatedAlwaysAs(sql`status = 'queued'`),
  priority: smallint('priority').notNull(),
  attempts: integer('attempts').notNull().default(0),
  runs: integer('runs').notNull().default(0),
  losses: integer('losses').notNull().default(0),
  workerId: uuid('worker_id'),
  rank: integer('rank').notNull().default(0),
  request: jsonb('request').$type<StoredRequest>().notNull(),
  html: text('html'),
  url: text('url'),
  filename: text('filename'),
  metadata: jsonb('metadata').$type<JobMetadata>().notNull().default({}),
  idempotencyKey: text('idempotency_key'),
  idempotencyHash: bytea('idempotency_hash'),
  sentHash: bytea('sent_hash'),
  keepsParts: boolean('keeps_parts').notNull().default(false),
  templates: text('templates').array(),
  tier: text('tier').notNull().default(''),
  requestId: text('request_id'),
  traceparent: text('traceparent'),
  errorCode: text('error_code'),
  errorMessage: text('error_message'),
  timings: jsonb('timings').$type<JobTimings>(),
  failedResources: jsonb('failed_resources').$type<FailedResource[]>().notNull().default([]),
  failedResourceCount: integer('failed_resource_count').notNull().default(0),
  missingFonts: jsonb('missing_fonts').$type<string[]>().notNull().default([]),
  incomplete: jsonb('incomplete').$type<string[]>().notNull().default([]),
  createdAt: instant('created_at').notNull().defaultNow(),
  runAt: instant('run_at'),
  acceptedAt: instant('accepted_at'),
  pausedAt: instant('paused_at'),
  startedAt: instant('started_at'),
  completedAt: instant('completed_at'),
  linkRevocations: integer('link_revocations').notNull().default(0),
  batchId: uuid('batch_id'),
  batchRow: integer('batch_row'),
  retryOf: uuid('retry_of'),
  retentionSeconds: integer('retention_seconds'),
});

export const batch = pgTable('pdfprompt_batch', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  status: text('status').$type<BatchStatus>().notNull().default('processing'),
  result: text('result').$type<BatchResult>().notNull(),
  total: integer('total').notNull(),
  skipped: integer('skipped').notNull().default(0),
  skippedRows: jsonb('skipped_rows').$type<BadRow[]>().notNull().default([]),
  filename: text('filename'),
  metadata: jsonb('metadata').$type<JobMetadata>().notNull().default({}),
  templates: text('templates').array(),
  tier: text('tier').notNull(),
  priority: smallint('priority').notNull(),
  virtualStart: doublePrecision('virtual_start').notNull(),
  upload: jsonb('upload'),
  requestId: text('request_id'),
  traceparent: text('traceparent'),
  idempotencyKey: text('idempotency_key'),
  sentHash: bytea('sent_hash'),
  errorCode: text('error_code'),
  errorMessage: text('error_message'),
  createdAt: instant('created_at').notNull().defaultNow(),
  completedAt: instant('completed_at'),
});

export const batchCount = pgTable(
  'pdfprompt_batch_count',
  {
    batchId: uuid('batch_id').notNull(),
    shard: smallint('shard').notNull(),
    open: integer('open').notNull(),
    completed: integer('completed').notNull().default(0),
    failed: integer('failed').notNull().default(0),
    cancelled: integer('cancelled').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.batchId, table.shard] })],
);

export const linkKey = pgTable('pdfprompt_link_key', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  secret: bytea('secret').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
});

export const part = pgTable(
  'pdfprompt_part',
  {
    jobId: uuid('job_id').notNull(),
    position: smallint('position').notNull(),
    kind: text('kind').notNull(),
    content: text('content'),
    data: jsonb('data'),
    shown: text('shown'),
    settings: jsonb('settings').$type<Partial<PrintSettings>>().notNull().default({}),
    hasFiles: boolean('has_files').notNull().default(false),
    templateVersion: uuid('template_version'),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.position] })],
);

export const pageReport = pgTable('pdfprompt_page_report', {
  jobId: uuid('job_id').primaryKey(),
  userId: uuid('user_id').notNull(),
  run: integer('run').notNull(),
  messages: jsonb('messages').$type<ConsoleMessage[]>().notNull().default([]),
  messageCount: integer('message_count').notNull().default(0),
  picture: bytea('picture'),
});

export const partFile = pgTable(
  'pdfprompt_part_file',
  {
    jobId: uuid('job_id').notNull(),
    position: smallint('position').notNull(),
    name: text('name').notNull(),
    assetId: uuid('asset_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.position, table.name] })],
);

export const asset = pgTable('pdfprompt_asset', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  sha256: bytea('sha256').notNull(),
  size: bigint('size', { mode: 'number' }).notNull(),
  type: text('type').notNull(),
  store: text('store').notNull(),
  location: text('location'),
  createdAt: instant('created_at').notNull().defaultNow(),
  usedAt: instant('used_at').notNull().defaultNow(),
});

export const assetChunk = pgTable(
  'pdfprompt_asset_chunk',
  {
    fileId: uuid('asset_id').notNull(),
    seq: integer('seq').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.fileId, table.seq] })],
);

export const template = pgTable('pdfprompt_template', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  name: text('name').notNull(),
  latest: integer('latest').notNull().default(0),
  createdAt: instant('created_at').notNull().defaultNow(),
});

export const templateVersion = pgTable('pdfprompt_template_version', {
  id: uuid('id').primaryKey(),
  templateId: uuid('template_id').notNull(),
  userId: uuid('user_id').notNull(),
  version: integer('version').notNull(),
  hash: bytea('hash').notNull(),
  description: text('description'),
  request: jsonb('request').$type<Record<string, unknown>>().notNull().default({}),
  createdAt: instant('created_at').notNull().defaultNow(),
  deletedAt: instant('deleted_at'),
});

export const templateFile = pgTable(
  'pdfprompt_template_file',
  {
    versionId: uuid('version_id').notNull(),
    name: text('name').notNull(),
    assetId: uuid('asset_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.versionId, table.name] })],
);

export const schedule = pgTable('pdfprompt_schedule', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  name: text('name').notNull(),
  cron: text('cron').notNull(),
  timezone: text('timezone').notNull(),
  request: jsonb('request').$type<Record<string, unknown>>().notNull(),
  missed: text('missed').$type<Missed>().notNull().default('run'),
  paused: boolean('paused').notNull().default(false),
  nextAt: instant('next_at'),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const scheduleRun = pgTable(
  'pdfprompt_schedule_run',
  {
    scheduleId: uuid('schedule_id').notNull(),
    plannedAt: instant('planned_at').notNull(),
    asked: boolean('asked').notNull().default(false),
    userId: uuid('user_id').notNull(),
    status: text('status').$type<RunStatus>().notNull().default('waiting'),
    skipped: integer('skipped').notNull().default(0),
    jobId: uuid('job_id'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    retryAt: instant('retry_at'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (table) => [primaryKey({ columns: [table.scheduleId, table.plannedAt, table.asked] })],
);

export const webhook = pgTable('pdfprompt_webhook', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  url: text('url').notNull(),
  host: text('host').generatedAlwaysAs(sql`pdfprompt_host_of(url)`),
  description: text('description'),
  events: text('events').array().$type<EventType[]>().notNull(),
  version: smallint('version').notNull().default(1),
  secret: text('secret').notNull(),
  previousSecret: text('previous_secret'),
  previousSecretUntil: instant('previous_secret_until'),
  createdAt: instant('created_at').notNull().defaultNow(),
  deliveredAt: instant('delivered_at'),
  failingSince: instant('failing_since'),
  offSince: instant('off_since'),
  offReason: text('off_reason').$type<'gone' | 'failing' | 'asked'>(),
  deletedAt: instant('deleted_at'),
});

export const webhookSecret = pgTable('pdfprompt_webhook_secret', {
  userId: uuid('user_id').primaryKey(),
  secret: text('secret').notNull(),
  previousSecret: text('previous_secret'),
  previousSecretUntil: instant('previous_secret_until'),
});

export const delivery = pgTable('pdfprompt_delivery', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  jobId: uuid('job_id'),
  batchId: uuid('batch_id'),
  batchEndedAt: instant('batch_ended_at'),
  kind: text('kind').$type<DeliveryKind>().notNull(),
  asked: boolean('asked').notNull().default(false),
  webhookId: uuid('webhook_id'),
  url: text('url'),
  headers: jsonb('headers').$type<Record<string, string>>(),
  host: text('host').notNull(),
  event: text('event'),
  status: text('status').$type<DeliveryStatus>().notNull(),
  attempts: smallint('attempts').notNull().default(0),
  round: smallint('round').notNull().default(0),
  createdAt: instant('created_at').notNull().defaultNow(),
  readyAt: instant('ready_at'),
  dueAt: instant('due_at'),
  claimedUntil: instant('claimed_until'),
  endedAt: instant('ended_at'),
  options: jsonb('options').$type<DeliveryOptions>(),
  after: uuid('after'),
  reportOn: text('report_on').$type<'delivered' | 'failed'>(),
  uploadAttempt: smallint('upload_attempt'),
  uploadEndedAt: instant('upload_ended_at'),
});

export const deliveryAttempt = pgTable(
  'pdfprompt_delivery_attempt',
  {
    deliveryId: uuid('delivery_id').notNull(),
    number: smallint('number').notNull(),
    at: instant('at').notNull(),
    ms: integer('ms').notNull(),
    status: smallint('status'),
    error: text('error'),
    answer: text('answer'),
  },
  (table) => [primaryKey({ columns: [table.deliveryId, table.number] })],
);

export const worker = pgTable('pdfprompt_worker', {
  id: uuid('id').primaryKey(),
  number: integer('number').notNull().generatedAlwaysAsIdentity(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  concurrency: integer('concurrency').notNull(),
  startedAt: instant('started_at').notNull().defaultNow(),
  seenAt: instant('seen_at').notNull().defaultNow(),
  cutOffAt: instant('cut_off_at'),
  endedAt: instant('ended_at'),
  isLost: boolean('is_lost').notNull().default(false),
  version: text('version'),
});

export const jobAttempt = pgTable(
  'pdfprompt_job_attempt',
  {
    jobId: uuid('job_id').notNull(),
    run: integer('run').notNull(),
    workerId: uuid('worker_id'),
    startedAt: instant('started_at').notNull().defaultNow(),
    endedAt: instant('ended_at'),
    outcome: text('outcome').$type<AttemptOutcome>(),
    reason: text('reason'),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.run] })],
);

export const fairShare = pgTable('pdfprompt_lane', {
  userId: uuid('user_id').primaryKey(),
  virtualFinish: doublePrecision('virtual_finish').notNull(),
  recent: instant('recent').array().notNull().default([]),
  day: date('day'),
  dayCount: integer('day_count').notNull().default(0),
  batchFinish: doublePrecision('batch_finish').notNull().default(0),
});

export const file = pgTable('pdfprompt_file', {
  id: uuid('id').primaryKey(),
  jobId: uuid('job_id').notNull(),
  userId: uuid('user_id').notNull(),
  position: smallint('position').notNull().default(0),
  store: text('store').notNull(),
  location: text('location'),
  size: bigint('size', { mode: 'number' }).notNull(),
  pages: integer('pages').notNull(),
  type: text('type').$type<FileType>().notNull().default(PDF_TYPE),
  name: text('name'),
  part: smallint('part'),
  sha256: bytea('sha256').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at').notNull(),
  expiredAt: instant('expired_at'),
});

export const fileChunk = pgTable(
  'pdfprompt_file_chunk',
  {
    fileId: uuid('file_id').notNull(),
    seq: integer('seq').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.fileId, table.seq] })],
);

export const pause = pgTable('pdfprompt_pause', {
  target: text('target').primaryKey(),
  userId: uuid('user_id').generatedAlwaysAs(sql`case when target like 'user:%' then substr(target, 6)::uuid end`),
  reason: text('reason').notNull(),
  pausedAt: instant('paused_at').notNull().defaultNow(),
});

export const bulkAction = pgTable('pdfprompt_bulk_action', {
  id: uuid('id').primaryKey(),
  action: text('action').$type<BulkActionName>().notNull(),
  filter: jsonb('filter').$type<JobFilter>().notNull(),
  status: text('status').$type<BulkActionStatus>().notNull().default('running'),
  expected: integer('expected').notNull(),
  isMore: boolean('is_more').notNull().default(false),
  cursor: text('cursor'),
  lookedAt: integer('looked_at').notNull().default(0),
  results: jsonb('results').$type<Record<string, number>>().notNull().default({}),
  startedBy: text('started_by'),
  requestId: text('request_id'),
  holder: uuid('holder'),
  heldUntil: instant('held_until'),
  createdAt: instant('created_at').notNull().defaultNow(),
  endedAt: instant('ended_at'),
});

export const lease = pgTable('pdfprompt_lease', {
  name: text('name').primaryKey(),
  holder: uuid('holder').notNull(),
  expiresAt: instant('expires_at').notNull(),
  state: jsonb('state'),
});

export const usageHistory = pgTable(
  'pdfprompt_usage_history',
  {
    userId: uuid('user_id').notNull(),
    day: date('day').notNull(),
    completed: integer('completed').notNull().default(0),
    pages: bigint('pages', { mode: 'number' }).notNull().default(0),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.day] })],
);

export const usageErased = pgTable('pdfprompt_usage_erased', {
  day: date('day').primaryKey(),
  completed: bigint('completed', { mode: 'number' }).notNull(),
  pages: bigint('pages', { mode: 'number' }).notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
});

export const unownedFile = pgTable('pdfprompt_unowned_file', {
  id: uuid('id').primaryKey(),
  store: text('store').notNull(),
  location: text('location'),
  jobId: uuid('job_id'),
  run: integer('run'),
  since: instant('since').notNull().defaultNow(),
  removeAfter: instant('remove_after').notNull().defaultNow(),
});

export const fileLeft = pgTable('pdfprompt_file_left', {
  id: uuid('id').primaryKey(),
  store: text('store').notNull(),
  leftAt: instant('left_at').notNull().defaultNow(),
});

export const backup = pgTable('pdfprompt_backup', {
  id: uuid('id').primaryKey(),
  takenAt: instant('taken_at').notNull(),
  endedAt: instant('ended_at').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  files: integer('files').notNull(),
  version: text('version').notNull(),
});

export const jobTerm = pgTable(
  'pdfprompt_job_term',
  {
    userId: uuid('user_id').notNull(),
    name: text('name').notNull(),
    value: text('value').notNull(),
    jobId: uuid('job_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.value, table.jobId] })],
);

export const jobTermGap = pgTable('pdfprompt_job_term_gap', {
  before: uuid('before').notNull(),
});

export const jobTermDue = pgTable('pdfprompt_job_term_due', {
  batchId: uuid('batch_id').primaryKey(),
  batchRow: integer('batch_row').notNull().default(-1),
});
