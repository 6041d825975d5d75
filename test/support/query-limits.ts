import { JOB_STATUSES } from '../../src/domain/job.ts';
import { FILTERS, OPERATORS_FILTERS } from './admin-visits.ts';
import { BATCH_LIMITS } from './batch-query-limits.ts';
import type { MeasuredQuery } from './measure-queries.ts';

/** Buffers that one execution may look at, by who asks and what the query does. */
type Limits = Record<string, Record<string, number>>;

/**
 * What pdfprompt_submit does: puts a job beside its place in the queue, and counts up to 99 that are before it.
 * @param all of the call, with all that is in it
 */
const submission = (all: number) => ({
  'no table': all,
  'read pause': all, // a retry or a request asks in the same statement whether it is paused
  'read tier, user, user_subscription': 30,
  'read lane': 20,
  'insert lane': 60,
  'update lane': 60,
  'insert part': 100,
  'insert job': 250,
  'insert pgboss.job, reading pgboss.queue': 700,
  // A few for each, and those of rows that have just left the queue: without an index it would be tens of thousands.
  'read job': 1_000,
});
/**
 * A page of a filter's jobs: values that begin alike are counted up to a hundred, up to five hundred of each index are compared,
 * and up to a thousand jobs are looked at, or five thousand that follow each other. Before the first VACUUM each is looked up in
 * its table too. Of an email that up to a thousand have, the users.
 */
const FILTERED = {
  'read user': 3_000,
  'read job_term': 16_000,
  'read job': 30_000,
  'read job, job_term': 16_000,
  'read job, user': 22_000,
};
/** A user, a subscription, a key. */
const ACCOUNT = {
  'insert user': 60,
  'read user': 10,
  'read user_subscription': 8,
  'insert user_subscription': 40,
  'update user_subscription': 40,
  'read user, user_subscription': 20,
  'insert api_key': 180,
  'read api_key': 10,
  'read api_key, user, user_subscription': 30,
};

/** Of a document's files: each is looked for by its hash, and written with its row's indexes. */
const FILES = {
  'update asset': 60,
  'read asset': 60,
  'insert asset': 80,
  'insert asset_chunk': 40,
  'read asset, asset_chunk': 30,
  'read user': 10,
};
/** What a template is. */
const TEMPLATE = {
  'read template, template_version': 40,
  'read asset, template_file': 60,
  'read asset, template_file, template_version': 60,
};

/** Where a job is in the queue: as in a submission. */
const POSITION = 1_000;

/** A job with its first file, and what became of its upload and its last try. */
const JOB = 'read delivery, delivery_attempt, file, job';
/** The same with what its pages said, and its retries. */
const DETAILS = 'read delivery, delivery_attempt, file, job, page_report';
/** An endpoint, and one delivery. */
const WEBHOOK = { 'read webhook': 10 };
const OWN_SECRET = { 'insert webhook_secret': 40, 'read webhook_secret': 8 };
const REPLAY = {
  'update delivery, reading batch, webhook': 200,
  'read batch, delivery, webhook': 20, // of one that is about to be sent
  'read delivery, delivery_attempt, webhook': 30,
};

/** A submission by SQL, with what is to be sent at its end. */
const BY_EMAIL = { 'read user': 10, 'insert delivery': 100 };

/** Up to 32 at a time, beside those that were sent a moment ago and are still in the indexes. */
const DELIVERER = {
  // A batch of two hundred that are due, 26 for each: a delivery is in up to eight indexes.
  'insert delivery_attempt, update delivery': 8_000,
  'read delivery': 2_000,
  ...OWN_SECRET,
  'update delivery, reading user, webhook, webhook_secret': 2_900,
  'read file, job': 500,
  'update delivery': 1_100,
  'insert delivery_attempt, update delivery, update webhook': 400,
};

/** Who is signed in to the console. */
const SESSION = { 'read api_key, console_session, user, user_subscription': 30, 'update console_session': 60 };

/** Of a user with some ten jobs. */
const ERASING = {
  'update webhook': 10,
  'delete batch': 20,
  'delete schedule': 30,
  'update schedule': 40,
  'delete delivery, reading webhook': 20,
  'delete webhook': 20,
  'delete template': 40,
  'delete asset': 40,
  'read user, user_subscription': 20,
  'update user': 60,
  'delete api_key': 40,
  'read job': 300,
  'read file': 100,
  'update unowned_file': 20,
  'insert unowned_file': 24,
  'delete job': 400,
  'delete job_term': 400,
  'delete job_term_due': 10,
  'delete bulk_action': 10,
  'delete pgboss.job': 100,
  'read user': 10,
  'delete usage_history, insert usage_erased': 200,
  'delete user': 20,
};

/** A job's row is in eight indexes or more: a change of one row is some thirty buffers. */
const LIMITS: Limits = {
  ...BATCH_LIMITS,
  // The first on each connection reads what Postgres has to know of the queue's tables.
  'POST /v1/jobs': { ...submission(3_500) }, // the first of its session: the function is compiled
  'POST /v1/jobs (Idempotency-Key)': { ...submission(900) },
  'POST /v1/jobs (again)': { ...submission(300), 'read job': 150, [DETAILS]: 200 },
  'POST /v1/jobs (limit reached)': { ...submission(900) },
  'POST /v1/pdf': {
    ...submission(1_200),
    [JOB]: 200,
    [DETAILS]: 200,
    'read job': 150,
    'read file, file_chunk': 16,
  },
  // Seventeen for each job of the page: its row, its file's, its upload's, and the last try of that.
  ...Object.fromEntries(
    ['', ' (cursor)', ...JOB_STATUSES.map((status) => ` (status=${status})`)].map((which) => [`GET /v1/jobs${which}`, { [JOB]: 600 }]),
  ), // prettier-ignore
  'GET /v1/jobs (limit=100)': { [JOB]: 2_500 },
  ...Object.fromEntries(
    [...FILTERS, ...OPERATORS_FILTERS].flatMap(([what]) => [
      ...(what === '' ? [] : [[`GET /v1/jobs (${what})`, { ...FILTERED, [JOB]: 600 }] as const]),
      [`GET /v1/admin/jobs${what === '' ? '' : ` (${what})`}`, { ...FILTERED, 'read file, job, user': 2_500 }] as const,
      ...(what === '' ? [] : [[`console: jobs (${what})`, { ...SESSION, ...ACCOUNT, ...FILTERED, 'read file, job, user': 2_500 }] as const]),
    ]),
  ), // prettier-ignore
  'GET /v1/admin/jobs/{id}': { [DETAILS]: POSITION + 30, 'read job, user': 12, 'read job': POSITION },
  'GET /v1/jobs/{id}': { [DETAILS]: 30 },
  'GET /v1/jobs/{id} (queued)': { [DETAILS]: POSITION + 30, 'read job': POSITION },
  "GET /v1/jobs/{id} (another's)": { [DETAILS]: 10 },
  'GET /v1/jobs/{id}/pdf': { [JOB]: 30, 'read file, file_chunk': 16 },
  'GET /v1/jobs/{id}/picture': { 'read page_report': 10 },
  'GET /v1/jobs/{id}/files': { 'read file, job': 16 },
  'GET /v1/jobs/{id}/files/{n}': { [JOB]: 30, 'read file, file_chunk': 16 },
  // The first makes the key.
  'POST /v1/jobs/{id}/link': {
    [JOB]: 30,
    'read file, job': 16,
    'read link_key': 8,
    'insert link_key, reading link_key': 20,
    'insert link_key': 20,
  },
  'GET /v1/links/{token}': { [JOB]: 30, 'read file, job': 16, 'read file, file_chunk': 16, 'read link_key': 8 },
  'DELETE /v1/jobs/{id}/links': { 'update job': 100 },
  'DELETE /v1/jobs/{id}/pdf': {
    'read job': 16,
    'update job': 100,
    'update part': 60,
    'delete page_report': 10,
    'update file': 60,
    'update delivery': 30,
    'delete file_chunk': 60,
  },
  'rotating the keys of links': { 'insert link_key': 20, 'delete link_key': 10 },
  // Up to ten for each job of a page of fifty.
  ...Object.fromEntries(
    ['', ' (since)', ' (job)', ' (missed)'].map((which) => [
      `GET /v1/events${which}`,
      { 'read file, job': 750, 'read job': 16, 'read batch, batch_count, file, job': 500 },
    ]),
  ),
  'DELETE /v1/jobs/{id}': {
    [DETAILS]: POSITION + 30,
    'read job': POSITION,
    'update job': 100,
    'update job_attempt': 6,
    'read pgboss.job': 20,
    'update pgboss.job': 100,
  },
  'POST /v1/jobs/{id}/retry': {
    'read job, part': 150,
    'read delivery, webhook': 20,
    ...submission(1_200),
  },
  'PUT /v1/templates/{name}': {
    ...FILES,
    ...TEMPLATE,
    'no table': 200,
    'insert template': 100,
    'read template': 20,
    'read template_version': 20,
    'insert template_version': 60,
    'insert template_file, reading asset': 80,
    'update template': 40,
  },
  'GET /v1/templates/{name}': TEMPLATE,
  'GET /v1/templates': TEMPLATE,
  'GET /v1/templates/{name}/versions': TEMPLATE,
  'POST /v1/templates/{name}/preview': {
    'insert part_file, reading asset': 100,
    ...FILES,
    ...TEMPLATE,
    ...submission(2_500),
    [JOB]: 200,
    [DETAILS]: 200,
  },
  'POST /v1/jobs (template)': { 'read template_version': 20, ...TEMPLATE, ...submission(2_500) },
  'PUT /v1/assets': FILES,
  'GET /v1/assets/{id}': FILES,
  'DELETE /v1/templates/{name}': { 'update template_version, reading template': 60, 'update template_version': 60 },
  // One batch of versions, and of assets none is due.
  'removing what is unused': {
    'delete template_version, reading part': 1_500,
    'delete asset, update asset, reading part_file, template_file': 300,
  },
  'POST /v1/webhooks': { 'read user': 10, 'read webhook': 10, 'insert webhook': 60 },
  'GET /v1/webhooks': WEBHOOK,
  'GET /v1/webhooks/{id}': WEBHOOK,
  'PUT /v1/webhooks/{id}': { 'update webhook': 80 },
  'POST /v1/webhooks/{id}/rotate': { 'update webhook': 60 },
  'POST /v1/webhooks/{id}/test': { ...WEBHOOK, 'read delivery': 40, 'insert delivery': 100 },
  'DELETE /v1/webhooks/{id}': { 'update webhook': 60, 'update delivery': 60 },
  'GET /v1/webhooks/secret': OWN_SECRET,
  'POST /v1/webhooks/secret/rotate': { ...OWN_SECRET, 'update webhook_secret': 30 },
  // Nine for each of a page: its row, its attempts, and that the tenant may read them.
  ...Object.fromEntries(
    ['', ' (cursor)', ' (limit=100)', ' (status=pending)', ' (status=delivered)', ' (status=failed)', ' (status=cancelled)'].map((which) => [
      `GET /v1/webhooks/{id}/deliveries${which}`,
      { ...WEBHOOK, 'read delivery, delivery_attempt, webhook': which === ' (limit=100)' ? 2_000 : 600 },
    ]), // prettier-ignore
  ),
  'POST /v1/webhooks/{id}/deliveries/{deliveryId}/replay': REPLAY,
  // The first time 1,750, of a user with a hundred thousand jobs: 26 for each.
  'POST /v1/webhooks/{id}/replay': { ...WEBHOOK, 'update delivery, reading batch, webhook': 68_000 },
  'GET /v1/batches/{id}/deliveries': { 'read batch, delivery, delivery_attempt, webhook': 60 },
  'POST /v1/batches/{id}/deliveries/{deliveryId}/replay': REPLAY,
  'GET /v1/jobs/{id}/deliveries': { 'read delivery, delivery_attempt, job, webhook': 60 },
  'POST /v1/jobs/{id}/deliveries/{deliveryId}/replay': REPLAY,
  // The functions of an application that shares the database.
  'SQL: submit': { ...submission(1_200), ...BY_EMAIL },
  'SQL: submit (with a key)': { ...submission(400), ...BY_EMAIL },
  'SQL: submit (again)': { 'no table': 60, 'read user': 10, 'read job': 16 },
  'SQL: job': { 'no table': 120, 'read file, job': 60, 'read job': 250 },
  'SQL: cancel': {
    'update delivery': 10, // of what waits for it
    ...submission(400),
    ...BY_EMAIL,
    'update job': 130,
    'update job_attempt': 6,
    'update pgboss.job': 100,
  },
  'GET /v1/usage': { 'read lane, usage_history': 250 },
  'GET /readyz': {},
  // Two at a time: claimed, written down, requeued.
  worker: {
    // The terms of a batch's items, or of jobs from before there were any, a few hundred at a time: three each, in three indexes.
    'read job_term_due': 200, // before those that were done just now
    'read job_term_gap': 10,
    'insert job_term, reading job': 30_000,
    'delete job_term_due': 10,
    'update job_term_due': 20,
    'update job, reading pause': 3_000,
    'read job, pause': 12_000, // five thousand of the queue, while somebody is paused
    'update delivery, reading job': 500,
    'delete bulk_action': 10,
    'read batch, job': 60,
    'update pgboss.job': 400, // beside those that have just left the queue
    'update job': 200,
    // A claim: in one statement, or in steps if not all that it takes can be begun.
    'insert job_attempt, update job, update pgboss.job, reading batch, part, worker': 800,
    'insert job_attempt, update job, reading batch, part, worker': 400,
    'read worker': 10,
    'delete unowned_file, insert file, insert file_chunk, insert usage_history, update job, update job_attempt, update part, update pgboss.job': 740,
    'update unowned_file, reading job': 8_000, // as below
    'delete unowned_file': 2_000,
    'insert file_chunk': 40,
    // What was looked for in vain, or for one document.
    'delete template_version, reading part': 2_000,
    'delete asset, update asset, reading part_file, template_file': 500,
    'read asset, part_file': 60,
    'read asset, template_file': 60,
    'read asset_chunk': 20,
    'delete part_file': 40,
    'update job_attempt': 40,
    // What an application submitted by SQL is read.
    'read part': 20,
    'delete part': 40,
    'insert part': 60,
    'delete pgboss.job, insert pgboss.job, reading pgboss.queue': 400,
    'update pgboss.job, reading pgboss.queue': 80,
    'update pgboss.job, reading pgboss.job_common, pgboss.job_dependency': 30,
    'insert link_key': 20,
    'delete link_key': 10,
    'insert worker': 150,
    'update worker': 40,
    'read job, pg_database, worker': 400,
    'read batch, batch_count': 4_000,
    'read job': 500, // up to four are put back in the queue, by a function
    // An item ends, and with the last one its batch; and the function that writes the terms of a few hundred items.
    'no table': 1_500,
    'read batch': 20,
    'read batch_count': 130, // sixteen rows, locked
    'update batch_count': 30,
    'update batch': 40,
    'insert delivery': 10,
    'read batch, batch_count, file, job': 30,
    'read batch, batch_count, job': 400,
    'read job, job_attempt': 10,
    'delete batch, reading job': 1_300,
    'read user': 10,
    ...DELIVERER,
  },
  delivering: DELIVERER,
  // A thousand end.
  'switching off': { 'update webhook': 20, 'update delivery': 33_000 },
  // Four, of two users.
  'queueing scheduled jobs': {
    'no table': 120,
    'insert job': 250,
    'insert part': 100,
    'insert lane': 100,
    'read lane': 60,
    'update job, update lane, reading tier, user, user_subscription': 500,
    'insert pgboss.job, reading pgboss.queue': 700,
  },
  cancelling: { 'update job': 130, 'update job_attempt': 6, 'read pgboss.job': 20, 'update pgboss.job': 100 },
  // Four jobs of each worker.
  losing: {
    'read job': 20,
    'update job_attempt': 40,
    'update job': 80,
    'update pgboss.job': 80,
    'update pgboss.job, reading pgboss.queue': 80,
  },
  leaving: {
    'update job': 200,
    'update job_attempt': 40,
    'update pgboss.job': 50,
    'update pgboss.job, reading pgboss.queue': 80,
  },
  // One row, by its key.
  'renewing and reaping': { 'update pgboss.job': 30 },
  // A batch of 200 files, and a hundred jobs with all that is theirs.
  expiring: {
    'read file': 500,
    'update file': 7_000,
    'delete file_chunk': 1_000,
    'delete job, reading file': 4_000,
    'delete job_term': 4_000,
    'delete worker, reading job_attempt': 100,
    'update job, update part': 8_000, // forty for each of up to two hundred
    'update delivery, reading job': 500,
    'delete bulk_action': 10,
    'delete job_term_due': 10,
    'delete batch, reading job': 1_300,
    'delete console_session': 10,
    'delete sign_in_link': 10,
    'delete audit': 10,
    'update delivery': 500,
    'delete delivery': 500,
    'delete webhook, reading delivery': 100,
    'delete file_left, insert unowned_file': 10,
    'update unowned_file': 3_000,
    'insert unowned_file': 100,
  },
  // The first five hundred of the queue, each with its place in it; four of them are put back.
  requeueing: {
    'read job, pgboss.job': 5_000,
    'read job': 300,
    'delete pgboss.job': 100,
    'insert pgboss.job, reading pgboss.queue': 200,
  },
  // Three hundred puts whose jobs have failed, and three hundred files of a directory that is not there.
  sweeping: {
    'update unowned_file, reading job': 8_000,
    'delete file_left, insert unowned_file': 10,
    'update unowned_file': 6_000,
    'update file': 7_000,
    'insert unowned_file, reading file, job': 8_000,
    'delete unowned_file': 2_000,
  },
  // Before the first ANALYZE it may take another index of the queued jobs, and look at each of ten thousand.
  'queue watch': {
    'update bulk_action': 40,
    'read backup': 10,
    'insert lease': 30,
    'update lease': 30,
    'delete lease': 10,
    'read job, pg_database, worker': 12_000,
    'read job': 12_000,
    // Sixteen counters of each open batch.
    'read batch, batch_count': 4_000,
    'no table': 2_200,
    // The first that is due, behind those that were a moment ago and are still in the index.
    'read schedule': 500,
    'read schedule, schedule_run': 1_000,
    'read schedule_run': 500,
    // What was sent again a moment ago, of five users: each once.
    'read delivery': 8_000,
  },
  // pg-boss's own, every few minutes: it counts its table, and deletes what ended an hour ago, all at once.
  "the queue's maintenance": {
    'update pgboss.queue, reading pgboss.job': 40_000,
    'delete pgboss.job, insert pgboss.job, reading pgboss.queue': 100,
    'delete pgboss.job, reading pgboss.queue': 40_000,
    'delete pgboss.job_dependency, reading pgboss.job': 50,
  },
  // Five for each user of a page of a hundred, fifteen for each key.
  'GET /v1/admin/users': { 'read user, user_subscription': 1_000 },
  'POST /v1/admin/users': ACCOUNT,
  'GET /v1/admin/users/{id}': ACCOUNT,
  'PUT /v1/admin/users/{id}/subscription': ACCOUNT,
  'PUT /v1/admin/users/{id}/limits': { ...ACCOUNT, 'update user': 20 },
  'DELETE /v1/admin/users/{id}/limits': { ...ACCOUNT, 'update user': 20 },
  'GET /v1/admin/keys': { 'read api_key, user, user_subscription': 2_500 },
  'GET /v1/admin/keys (of a user)': ACCOUNT,
  'PUT /v1/admin/pauses/{target}': {
    'insert pause': 30,
    'read pause, user': 100, // beside those that have just ended
    'read user': 10,
    // Five thousand of the queue are looked at, those of the user are marked.
    'read job': 6_000,
    'read job, pause': 12_000,
    'update job, reading pause': 3_000,
  },
  'GET /v1/admin/pauses': { 'read pause, user': 100 },
  'DELETE /v1/admin/pauses/{target}': {
    'delete pause': 10,
    'read pause, user': 100,
    'read job': 6_000,
    'read job, pause': 12_000,
    'update job, reading pause': 3_000,
  },
  // Up to ten thousand jobs are counted, a thousand at a time.
  'POST /v1/admin/actions': {
    ...FILTERED,
    'insert bulk_action': 40,
    'delete bulk_action': 10,
    'read bulk_action': 10,
  },
  'GET /v1/admin/actions': { 'read bulk_action': 30 },
  'GET /v1/admin/actions/{id}': { 'read bulk_action': 10 },
  // A piece of it may be under way.
  'DELETE /v1/admin/actions/{id}': { ...FILTERED, 'read bulk_action': 10, 'update bulk_action': 30 },
  'console: actions': { ...SESSION, 'read bulk_action': 30, 'read pause, user': 20 },
  'console: an action on many jobs': { ...SESSION, ...ACCOUNT, ...FILTERED },
  // Thirty-three for each user of a page: what they have, and when their keys were last used.
  'console: users': { ...SESSION, ...ACCOUNT, 'read api_key, user, user_subscription': 2_500 },
  // Up to a thousand jobs of each status are counted, of a day and of a week.
  'console: user': {
    ...SESSION,
    ...ACCOUNT,
    'read job': 12_000,
    'read api_key, batch, console_session, schedule, template, webhook': 500,
    'read lane, usage_history': 250,
  },
  'console: changes of a user': { ...SESSION, ...ACCOUNT, ...ERASING },
  // Up to five thousand are looked at for a beginning.
  'console: keys': { ...SESSION, ...ACCOUNT, 'read api_key': 6_000, 'read api_key, user, user_subscription': 1_500 },
  'console: changes of a key': { ...SESSION, ...ACCOUNT },
  // Up to a thousand users of each tier are counted.
  'console: tiers': {
    ...SESSION,
    ...ACCOUNT,
    'read tier, user_subscription': 3_000,
    'insert tier': 30,
    'delete tier': 10,
  },
  // Seven for each template of a page, of up to five thousand that are looked at for a name.
  'console: templates': {
    ...SESSION,
    ...ACCOUNT,
    ...TEMPLATE,
    'read template, template_version, user': 6_000,
    'read template': 6_000,
    'read template, template_version': 40,
    'read job, job_term': 1_000,
    'read job_term': 1_000,
    'read job': 5_000,
  },
  'console: settings and doctor': {
    ...SESSION,
    'read pause, user': 20,
    'read job, worker': 12_000,
    'read migration': 10,
    'read migration_added': 10,
  },
  'console: signing in and out': {
    ...SESSION,
    ...ACCOUNT,
    'insert sign_in_link': 60,
    'delete sign_in_link': 20,
    'insert console_session': 100,
    'delete console_session': 10,
  },
  'console: overview': {
    ...SESSION,
    'read pause, user': 100,
    'read webhook': 200, // beside those that were in trouble a moment ago
    'read job': 100_000,
    'read batch, batch_count': 4_000,
    'read job, worker': 12_000, // scheduled ones are counted, as by the queue watch
    'read worker': 20,
  },
  'console: sessions': {
    ...SESSION,
    ...ACCOUNT,
    'read api_key, console_session, user': 400,
    'delete api_key, console_session': 60,
    'delete console_session, delete sign_in_link, reading api_key': 60,
  },
  // Up to 24 for each row of a page: the row, and the two users that it names. Up to a thousand of each thing asked for are counted.
  'console: audit': { ...SESSION, ...ACCOUNT, 'read audit, user': 1_300, 'read audit': 3_500 },
  'GET /v1/admin/audit': { 'read audit, user': 2_500 },
  'console: history': { 'read job': 100_000 },
  ...Object.fromEntries(
    ['', ...JOB_STATUSES.map((status) => ` (${status})`), ' (of a user)'].map((which) => [
      `console: jobs${which}`,
      { ...SESSION, ...ACCOUNT, 'read job': 8_000, 'read file, job, user': 2_500 },
    ]),
  ),
  'console: search': {
    ...SESSION,
    ...ACCOUNT,
    'read job': 8,
    'read job, user': 12,
    'read batch': 8,
    'read job_term': 1_000,
  },
  'console: job': {
    ...SESSION,
    'read file, job, part, user': 30,
    'read page_report': 10,
    'read job_attempt, worker': 20,
    'read delivery, delivery_attempt, job, webhook': 80,
  },
  'console: what was sent': {
    ...SESSION,
    'read job': 10,
    'read job, user': 12,
    'read job, part': 20,
    'read page_report': 10,
    'read audit': 20,
    'insert audit, reading job': 60,
    'insert audit': 60,
  },
  // Up to a hundred deliveries of each endpoint, in either of two states, are counted. The first time beside a thousand each of
  // sixteen, in the second round of thirty-two, that were cancelled just now: they are still in the index, two for each.
  'console: webhooks': { ...SESSION, 'read delivery, user, webhook': 70_000 },
  'console: webhooks (of a user)': { ...SESSION, ...ACCOUNT, 'read delivery, user, webhook': 2_500 },
  'console: webhook': {
    ...SESSION,
    ...WEBHOOK,
    'read delivery, user, webhook': 2_500,
    'read delivery, delivery_attempt, webhook': 600,
  },
  'console: send again': { ...SESSION, ...REPLAY, 'read delivery, user, webhook': 2_500 },
  'console: cancel': {
    'read job, user': 12,
    'read page_report': 10,
    ...SESSION,
    'read job': 8,
    'read file, job, part, user': 30,
    'read job_attempt, worker': 20,
    'update job': 130,
    'update job_attempt': 6,
    'read pgboss.job': 20,
    'update pgboss.job': 100,
    'update batch_count': 30, // it may be an item
  },
  // Behind many that were cancelled just now and are still in the indexes.
  'console: retry': {
    'read delivery, delivery_attempt, job, webhook': 80,
    'read file, job, part, user': 30,
    'read job_attempt, worker': 20,
    'read job, part': 150,
    'read delivery, webhook': 20,
    'read job, user': 12,
    'read page_report': 10,
    ...SESSION,
    ...ACCOUNT,
    ...submission(4_000),
    'read job': 400,
  },
  'POST /v1/admin/keys': ACCOUNT,
  'POST /v1/admin/keys/{id}/rotate': ACCOUNT,
  'DELETE /v1/admin/keys/{id}': ACCOUNT,
  'GET /v1/admin/queue': { 'read lease': 4 },
  'GET /v1/admin/tiers': {},
  'PUT /v1/admin/tiers/{name}': { 'insert tier': 30 },
  'DELETE /v1/admin/tiers/{name}': { 'read user_subscription': 8, 'delete tier': 10 },
  'DELETE /v1/admin/users/{id}': ERASING,
  'foreign keys': Object.fromEntries(
    [
      'look at api_key', 'look at user_subscription', 'look at file', 'look at job', 'look at queue', 'look at tier', 'look at user', 'look at worker', 'look at part', 'delete part', 'update part',
      'look at asset', 'look at template', 'look at template_version', 'delete asset', 'delete asset_chunk', 'delete part_file',
      'delete template', 'delete template_file', 'delete template_version', 'delete file', 'delete file_chunk', 'delete job_attempt', 'update job', 'update job_attempt', 'update api_key',
      'look at batch', 'look at schedule', 'delete batch', 'delete batch_count', 'delete schedule', 'delete schedule_run',
      'look at webhook', 'look at delivery', 'delete webhook', 'delete webhook_secret', 'delete delivery', 'delete delivery_attempt',
      'delete page_report', 'delete pause', 'delete api_key', 'delete console_session', 'delete sign_in_link', 'delete job', 'delete lane', 'delete usage_history', 'delete user_subscription',
    ].map((what) => [`foreign key: ${what}`, 24]), // prettier-ignore
  ),
  start: { 'read migration': 10, 'read migration_added': 10, 'insert tier': 30, ...ACCOUNT },
};

/** Of any request, and of whatever is done beside it: who asks, on which tier; some hundred keys' last use. */
const ANYBODY: Record<string, number> = {
  'no table': 20,
  'read user': 10, // locked, so that it is not erased meanwhile
  'read pause': 4, // hardly ever any
  'read bulk_action': 10, // whether one is under way
  // What a job can be found by: up to a few of a submission's own, in three indexes; of a batch's items, that there are some.
  'insert job_term': 150,
  'insert job_term_due': 20,
  'read api_key, user, user_subscription': 30,
  'read tier': 12,
  'update api_key': 4_000,
  'insert audit, reading job': 60, // in five indexes
  // A job ends: what is to be sent of it, to nobody or to a few, and what those hear who listen.
  'read file, job': 500,
  'insert delivery, update delivery, reading webhook': 100,
};

/**
 * Always allowed: the first on a connection looks up what it needs to know of tables and foreign keys, and rows that were deleted
 * just now are still in the index. Without an index it would be thousands.
 */
const FEW = 64;
/**
 * Of a statement that writes, beside its limit: a row is in up to seventeen indexes, and where a page of one is full Postgres
 * looks up in the table which of its entries are dead. That falls to any statement.
 */
const CLEARING = 150;

/** The worker does by itself now and then what is done one by one elsewhere. */
const ALSO_OF_WORKER = ['expiring', 'requeueing', "the queue's maintenance"];

/** pg-boss's notes of itself: queues, processes, its version; and what Postgres knows of its tables. None of its tables of jobs. */
const BOOKKEEPING = 1_000;

function isBookkeeping(shape: string): boolean {
  const tables = shape.split(/,? /).filter((word) => !/^(?:read|reading|insert|update|delete)$/.test(word));
  return tables.every((table) => /^(?:pgboss\.|pg_)/.test(table) && table !== 'pgboss.job');
}

/** Tables that may be read from end to end, and why. */
const TINY: Record<string, string> = {
  tier: 'as many rows as there are plans',
  link_key: 'a row for each month, of which two or three are kept',
  job_term_gap: 'one row, until all jobs from before have their terms',
  bulk_action: 'as many rows as operators have begun actions on many jobs in some weeks',
  pause: 'as many rows as there are pauses: hardly ever any',
  pg_authid: "Postgres's own, a few roles",
  worker: 'as many rows as workers were started in a month',
  migration: 'as many rows as there are files in sql/',
  migration_added: 'as many rows as came with the last release',
  file_left: 'PDFs of erased users that could not be reached: hardly ever any',
  'pgboss.queue': 'we have one queue',
  'pgboss.version': 'one row',
  'pgboss.instance': 'one row for each process',
  pg_database: "Postgres's own, a few databases",
  pg_namespace: "Postgres's own, a few schemas",
};

/** @returns undefined for a query that nobody has looked at */
export function limitOf({ who, shape: all }: Pick<MeasuredQuery, 'who' | 'shape'>): number | undefined {
  const shape = all.replace(/, pause\b/, ''); // it is looked at beside jobs, and hardly ever has a row
  const places = [who, ...(who === 'worker' ? ALSO_OF_WORKER : [])];
  const stated = places
    .map((place) => LIMITS[place]?.[all] ?? LIMITS[place]?.[shape])
    .filter((limit) => limit !== undefined);
  const others = ANYBODY[shape] ?? (isBookkeeping(shape) ? BOOKKEEPING : undefined);
  const limit = stated.length > 0 ? Math.max(...stated) : others;
  if (limit === undefined) return undefined;
  return /\b(?:insert|update|delete) /.test(shape) ? limit + CLEARING : Math.max(FEW, limit);
}

/** What is wrong with a query, in sentences. */
export function faultsOf(query: MeasuredQuery): string[] {
  const { who, shape, buffers, scanned, text } = query;
  const limit = limitOf(query);
  const name = `${who}: ${shape}`;
  const words = `\n    ${text.replaceAll(/\s+/g, ' ').slice(0, 400)}`;
  return [
    ...scanned
      .filter((table) => TINY[table] === undefined)
      .map((table) => `${name}: reads all of ${table}: it needs an index${words}`),
    ...(limit === undefined ? [`${name}: nobody has looked at it: state how many buffers it may read${words}`] : []),
    ...(limit !== undefined && buffers > limit ? [`${name}: ${buffers} buffers, allowed: ${limit}${words}`] : []),
  ];
}
