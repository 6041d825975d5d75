import type { Audited } from '../domain/audit-act.ts';
import { faultOf } from '../domain/fault.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { AttemptAbout, JobAbout, RequestAbout, RunAbout } from './about.ts';
import { AccountEvents } from './account-events.ts';
import { BulkEvents } from './bulk-events.ts';
import { DeliveryEvents } from './delivery-events.ts';
import type { Logger } from './log.ts';
import { Metrics } from './metrics.ts';

/** Why the read replica is not used; `unknown`: it has not been checked yet. */
export type ReplicaFault = 'unknown' | 'failed' | 'behind' | 'no standby' | 'another database' | 'another timeline';

/** What users wait for one by one, apart from what they send in bulk: a batch must neither spend nor hide an objective. */
const kindOf = ({ row }: Pick<RunAbout, 'row'>) => (row === undefined ? 'single' : 'item');

/** Milliseconds for which a failure that repeats is not logged again. */
const QUIET_MS = 10_000;

/**
 * One function for each thing that happens. It counts the metric and writes the log line, so that the two cannot
 * disagree. Those of one subject are together.
 */
export class Events {
  readonly metrics: Metrics;
  readonly accounts: AccountEvents;
  readonly bulk: BulkEvents;
  readonly deliveries: DeliveryEvents;
  readonly #log: Logger;
  readonly #failures = new Map<string, { loggedAt: number; suppressed: number }>();

  // Events without a metric.
  readonly requestCrashed = (request: RequestAbout, err: unknown): void =>
    this.#log.error('request.crashed', { ...request, err });
  /** A PDF could not be read to its end: the connection was closed, so that a part of it is not taken for the whole. */
  readonly downloadCutOff = (
    request: RequestAbout & { jobId?: string; batchId?: string; userId: string },
    err: unknown,
  ): void => this.#log.warn('download.aborted', { ...request, err });
  /** Earlier events could not be read: the connection was closed, so that the client asks for them again. */
  readonly eventsCutOff = (request: RequestAbout & { userId: string }, err: unknown): void =>
    this.#log.warn('events.aborted', { ...request, err });
  /** A key was not valid. */
  readonly loginFailed = (request: RequestAbout & { address: string }): void =>
    this.#log.debug('login.failed', request);
  /** So many keys from this address were not valid that it has to wait. */
  readonly loginsBlocked = (request: RequestAbout & { address: string; failures: number }): void =>
    this.#log.warn('login.blocked', request);
  /** A bug: the job stays claimed until the claim expires. */
  readonly jobCrashed = (job: AttemptAbout, err: unknown): void => this.#log.error('job.crashed', { ...job, err });
  /** An operator did something in the console. */
  readonly operatorActed = (about: {
    what: Audited;
    requestId: string;
    userId: string;
    /** empty: the session was begun with a link */
    keyId: string;
    sessionId?: string | undefined;
    jobId?: string | undefined;
    batchId?: string | undefined;
    webhookId?: string | undefined;
  }): void => this.#log.info('operator.acted', about);
  /** Somebody came to the studio, with a key that opens it or not, or signed out. */
  readonly studioVisited = (about: {
    what: 'signed in' | 'refused' | 'signed out';
    requestId: string;
    userId: string;
    keyId: string;
  }): void => this.#log.info('studio.visited', about);
  /** A URL to a file of a job that needs no key. Never the URL itself. */
  readonly linkCreated = (
    link: RequestAbout & { jobId: string; userId: string; file: number; via: string; expiresAt: string },
  ): void => this.#log.info('link.created', link);
  /** All links of a job that were made before. */
  readonly linksRevoked = (links: RequestAbout & { jobId: string; userId: string }): void =>
    this.#log.info('links.revoked', links);
  /** All files of a job, by its owner or an operator, before their time. */
  readonly pdfDeleted = (about: Partial<RequestAbout> & { jobId: string; userId: string; files: number }): void =>
    this.#log.info('pdf.deleted', about);
  readonly linkKeysRotated = (keys: { made: number; deleted: number }): void =>
    this.#log.info('link_keys.rotated', keys);
  readonly storeRecovered = (about: { store: string }): void => this.#log.info('store.recovered', about);
  /** Chromium's temporary files have hardly any space left. */
  readonly temporarySpaceLow = (about: { reason: string }): void => this.#log.error('temporary_space.low', about);
  readonly temporarySpaceRecovered = (): void => this.#log.info('temporary_space.recovered');
  readonly workerRegistered = (worker: { workerId: string; concurrency: number }): void =>
    this.#log.info('worker.registered', worker);
  /** This worker was marked lost (it was paused, or cut off from the database) and has registered again. */
  readonly workerRegisteredAgain = (worker: { workerId: string }): void =>
    this.#log.warn('worker.registered_again', worker);
  /** It has requeued its jobs and stops. */
  readonly workerLeft = (worker: { workerId: string }): void => this.#log.info('worker.left', worker);
  readonly workerSessionRestored = (worker: { workerId: string }): void =>
    this.#log.info('worker.session_restored', worker);
  /** Before a process of this version starts to work. */
  readonly migrated = (about: { migrations: string[] }): void => this.#log.info('database.migrated', about);
  /** Several queries in a row failed, or the database is read-only: this process is not ready. */
  readonly databaseUnavailable = (about: { reason: string }): void => this.#log.error('database.unavailable', about);
  readonly databaseAvailable = (): void => this.#log.info('database.available');
  readonly replicaUsed = (): void => this.#log.info('replica.used');
  /** From now on the primary is read, until the replica is healthy again. */
  readonly replicaLeft = (about: { fault: ReplicaFault; lagSeconds: number; err: unknown }): void =>
    this.#log.warn('replica.left', about);
  /** PDFs, documents of jobs without a PDF, and jobs past their retention were deleted. */
  readonly expired = (counts: { files: number; documents: number; jobs: number }): void =>
    this.#log.info('retention.applied', counts);
  /** PDFs in the directory that belong to no job. */
  readonly orphansRemoved = (counts: { files: number }): void => this.#log.info('retention.orphans_removed', counts);
  /** Files of documents to which nothing refers, and versions of deleted templates. */
  readonly unusedRemoved = (counts: { assets: number; versions: number }): void =>
    this.#log.info('retention.unused_removed', counts);
  /** Traces are asked for and cannot be made: this process runs without them. */
  readonly tracesUnavailable = (err: unknown): void => this.#log.warn('tracing.unavailable', { err });

  constructor(log: Logger, metrics = new Metrics()) {
    this.#log = log;
    this.metrics = metrics;
    this.accounts = new AccountEvents(log);
    this.bulk = new BulkEvents(log, metrics);
    this.deliveries = new DeliveryEvents(log, metrics);
  }

  requestAnswered(
    request: RequestAbout & {
      method: string;
      route: string;
      status: number;
      ms: number;
      userId?: string | undefined;
      tier?: string | undefined;
    },
  ): void {
    const route = `${request.method} ${request.route}`;
    this.metrics.apiRequests.inc({ tier: request.tier ?? 'none', route, status: request.status });
    this.metrics.apiResponse.observe({ route }, request.ms / 1000);
    if (request.status >= 500) this.#log.warn('request.failed', request);
    else this.#log.debug('request.answered', request);
  }

  /** A request was over a limit of its tier. */
  rateLimited(request: RequestAbout & { userId: string; tier: string; limit: string }): void {
    this.metrics.rateLimited.inc({ tier: request.tier, limit: request.limit });
    this.#log.debug('request.rate_limited', request);
  }

  cacheAsked(cache: string, result: 'hit' | 'miss'): void {
    this.metrics.cacheRequests.inc({ cache, result });
  }

  jobSubmitted(job: JobAbout & { priority: string }): void {
    this.metrics.submitted.inc({ tier: job.tier });
    this.#log.info('job.submitted', job);
  }

  jobStarted(job: AttemptAbout): void {
    this.metrics.expectJobsOf(job.tier);
    this.metrics.attempts.inc();
    // An item waits for those of its own batch that are before it.
    if (job.run === 1 && job.row === undefined) this.metrics.wait.observe({ tier: job.tier }, job.waitedMs / 1000);
    this.#log.debug('job.started', job);
  }

  /** `ms`: of the attempt that ended it. */
  jobEnded(
    job: AttemptAbout & {
      status: 'completed' | 'failed';
      code?: ErrorCode;
      ms: number;
      pages?: number;
      bytes?: number;
    },
  ): void {
    const { tier, batchId, row } = job;
    if (job.status === 'completed') {
      this.metrics.completed.inc({ tier, kind: kindOf(job) });
      if (row !== undefined) this.metrics.bulk.items.inc({ result: 'completed' });
    } else this.#jobFailed(job, job.code ?? 'internal');
    // How long it takes to merge ten thousand items says nothing of documents.
    if (batchId === undefined || row !== undefined) this.metrics.generation.observe({ tier }, job.ms / 1000);
    if (row === undefined) this.metrics.turnaround.observe({ tier }, (job.waitedMs + job.ms) / 1000);
    this.#log.info('job.ended', job);
  }

  /** Several workers were lost with it. */
  jobPoisoned(job: RunAbout): void {
    this.#jobFailed(job, 'poison');
    this.#log.error('job.ended', { ...job, status: 'failed', code: 'poison' });
  }

  #jobFailed(job: RunAbout, reason: ErrorCode): void {
    this.metrics.failed.inc({ tier: job.tier, reason, fault: faultOf(reason), kind: kindOf(job) });
    if (job.row !== undefined) this.metrics.bulk.items.inc({ result: 'failed' });
  }

  /** The request is the one that cancelled it. */
  jobCancelled(job: Partial<RequestAbout> & Pick<RunAbout, 'jobId' | 'userId' | 'batchId' | 'row'>): void {
    this.metrics.cancelled.inc();
    if (job.row !== undefined) this.metrics.bulk.items.inc({ result: 'cancelled' });
    this.#log.info('job.cancelled', job);
  }

  /**
   * @param reason besides the outcomes of an attempt: `lost`: its worker was lost, or did not end it in time;
   *   `interrupted`: its worker stopped, or never received it; `stranded`: its row says queued and the queue lacked it
   */
  jobRequeued(job: RunAbout | AttemptAbout, reason: string, err?: unknown): void {
    this.metrics.requeued.inc({ reason });
    this.#log.warn('job.requeued', { ...job, reason, err });
  }

  /** Another worker owns the job now: the result of this attempt was discarded. */
  jobResultDiscarded(job: AttemptAbout): void {
    this.metrics.resultsDiscarded.inc();
    this.#log.warn('job.result_discarded', job);
  }

  /** A PDF could not be stored; its job was requeued. @param about `isNew`: the first failure since the last success */
  storeFailed(about: { store: string; reason: string; isNew: boolean }, err: unknown): void {
    const { isNew, ...labels } = about;
    this.metrics.storeWritesFailed.inc(labels);
    if (isNew) this.#log.error('store.failed', { ...labels, err });
    else this.#log.debug('store.write_failed', { ...labels, err });
  }

  /** A step after print has ended, well or not. */
  stepEnded(about: { step: string; ms: number }): void {
    this.metrics.finishing.observe({ step: about.step }, about.ms / 1000);
    this.#log.debug('step.ended', about);
  }

  /** A page was taken for a document: a `warm` one that its tenant had before, a `spare` one that was ready, or a new one. */
  pageTaken(kind: 'warm' | 'spare' | 'cold'): void {
    this.metrics.pageRequests.inc({ result: kind });
    this.#log.trace('page.taken', { kind });
  }

  browserStarted(version: string): void {
    this.metrics.chromiumStarted(version);
    this.#log.debug('browser.started', { version });
  }

  /** A browser was ended or replaced. */
  browserEnded(reason: string): void {
    this.metrics.browserRestarts.inc({ reason });
    const isFault = reason === 'crashed' || reason === 'unresponsive';
    this.#log[isFault ? 'warn' : 'info']('browser.ended', { reason });
  }

  /** Memory use came close to its limit, or is well below it again. Bytes. */
  memoryPressure(state: { pressure: string; used: number; limit: number; source: string }): void {
    if (state.pressure === 'normal') this.#log.info('memory.recovered', state);
    else this.#log.warn('memory.low', state);
  }

  /** A renderer process, or one of the steps after print, was ended: it was too large, or the largest when memory ran out. */
  documentEvicted(about: { why: string; bytes: number }): void {
    this.metrics.evictedDocuments.inc({ reason: about.why });
    this.#log.warn('document.evicted', about);
  }

  /** How this process keeps documents from its network, known when its first browser has started. */
  isolationKnown(about: { jail: string; sandbox: boolean; reason?: string | undefined }): void {
    this.metrics.jail.set({ kind: about.jail }, 1);
    this.metrics.sandbox.set(about.sandbox ? 1 : 0);
    if (about.reason === undefined && about.sandbox) this.#log.info('isolation.full', about);
    else this.#log.warn('isolation.reduced', about);
  }

  /** Processes of the steps after print share the network of this process, because they cannot have one of their own. */
  stepsNetworked(about: { reason: string }): void {
    this.#log.warn('steps.networked', about);
  }

  /** A document tried to connect where it may not. @param about `authority`: `host:port` */
  egressDenied(about: {
    reason: string;
    authority: string;
    userId: string | undefined;
    jobId: string | undefined;
    isLogged: boolean;
  }): void {
    const { isLogged, ...line } = about;
    this.metrics.egressDenied.inc({ reason: line.reason });
    if (isLogged) this.#log.warn('egress.denied', line);
  }

  workerLost(worker: { workerId: string; jobs: number }): void {
    this.metrics.workersLost.inc();
    this.#log.warn('worker.lost', worker);
  }

  /** The session that holds this worker's lock is gone: it finishes its jobs, and claims none until it has another. */
  workerSessionLost(worker: { workerId: string }): void {
    this.metrics.sessionsLost.inc();
    this.#log.warn('worker.session_lost', worker);
  }

  /** An error that nothing caught, in this job if that is known: the process stops, in order. */
  processFailed(about: { jobId: string | undefined }, err: unknown): void {
    this.metrics.processFailures.inc();
    this.#log.fatal('process.crashed', { ...about, err });
  }

  /** A read that the replica may answer was sent there or to the primary. */
  replicaRead(where: 'replica' | 'primary'): void {
    this.metrics.replicaReads.inc({ where });
    this.#log.trace('replica.read', { where });
  }

  /** Logged once in ten seconds for each kind of work: retries may fail for a long time. */
  backgroundFailed(what: string, err: unknown): void {
    const now = performance.now();
    const { loggedAt, suppressed } = this.#failures.get(what) ?? { loggedAt: -Infinity, suppressed: 0 };
    const isQuiet = now - loggedAt < QUIET_MS;
    this.#failures.set(what, isQuiet ? { loggedAt, suppressed: suppressed + 1 } : { loggedAt: now, suppressed: 0 });
    if (!isQuiet) this.#log.error('background.failed', { what, err, ...(suppressed > 0 && { suppressed }) });
  }
}
