import { faultOf } from '../domain/fault.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Logger } from './log.ts';
import { Metrics } from './metrics.ts';

/** Why the read replica is not used; `unknown`: nobody has looked yet. */
export type ReplicaFault = 'unknown' | 'failed' | 'behind' | 'no standby' | 'another database' | 'another timeline';

/** Which request it was. */
export interface RequestAbout {
  requestId: string | undefined;
  /** of the trace that it is a part of, its caller's or ours */
  traceId: string | undefined;
}

/** Which request it was, and with whose key. */
export interface AdminAbout extends RequestAbout {
  /** the key's id */
  by: string;
}

/** Whose a job is; in every line that tells of it. The request is the one that made it. */
export interface JobAbout extends RequestAbout {
  jobId: string;
  userId: string;
  tier: string;
}

/** Whose a job is that its worker did not end. */
export interface LostAbout extends JobAbout {
  /** attempts, with those that do not count */
  run: number;
}

/** Whose an attempt is; in every line that tells of it. */
export interface AttemptAbout extends LostAbout {
  attempt: number;
  /** from acceptance to the start of this attempt */
  waitedMs: number;
}

/** What became of a key. Never the key itself. */
interface KeyAbout extends AdminAbout {
  keyId: string;
  userId: string;
}

const QUIET_MS = 10_000;

/**
 * One function for each thing that happens to the business. Here is where a metric is counted
 * beside the line that is logged, so that the two cannot disagree.
 */
export class Events {
  readonly metrics: Metrics;
  readonly #log: Logger;
  readonly #failures = new Map<string, { saidAt: number; suppressed: number }>();

  constructor(log: Logger, metrics = new Metrics()) {
    this.#log = log;
    this.metrics = metrics;
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
    if (request.status >= 500) this.#log.warn(request, 'request failed');
    else this.#log.debug(request, 'request answered');
  }

  requestCrashed(request: RequestAbout, err: unknown): void {
    this.#log.error({ ...request, err }, 'unexpected error in a request');
  }

  /** A PDF could not be read to its end: the connection was ended, so that nobody takes a part of it for the whole. */
  downloadCutOff(request: RequestAbout & { jobId: string; userId: string }, err: unknown): void {
    this.#log.warn({ ...request, err }, 'download cut off');
  }

  jobSubmitted(job: JobAbout & { priority: string }): void {
    this.metrics.submitted.inc({ tier: job.tier });
    this.#log.info(job, 'job submitted');
  }

  /** A request was over a limit of its tier. */
  rateLimited(request: RequestAbout & { userId: string; tier: string; limit: string }): void {
    this.metrics.rateLimited.inc({ tier: request.tier, limit: request.limit });
    this.#log.debug(request, 'rate limited');
  }

  /** A cache was asked, and knew or did not. */
  cacheAsked(cache: string, result: 'hit' | 'miss'): void {
    this.metrics.cacheRequests.inc({ cache, result });
  }

  jobStarted(job: AttemptAbout): void {
    this.metrics.expectJobsOf(job.tier);
    this.metrics.attempts.inc();
    if (job.run === 1) this.metrics.wait.observe({ tier: job.tier }, job.waitedMs / 1000);
    this.#log.debug(job, 'job started');
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
    const { tier } = job;
    if (job.status === 'completed') this.metrics.completed.inc({ tier });
    else this.#jobFailed(tier, job.code ?? 'internal');
    this.metrics.generation.observe({ tier }, job.ms / 1000);
    this.metrics.turnaround.observe({ tier }, (job.waitedMs + job.ms) / 1000);
    this.#log.info(job, 'job ended');
  }

  /** One worker after another was lost with it. */
  jobPoisoned(job: LostAbout): void {
    this.#jobFailed(job.tier, 'poison');
    this.#log.error({ ...job, status: 'failed', code: 'poison' }, 'job ended');
  }

  #jobFailed(tier: string, reason: ErrorCode): void {
    this.metrics.failed.inc({ tier, reason, fault: faultOf(reason) });
  }

  /** The request is the one that cancelled it. */
  jobCancelled(job: {
    jobId: string;
    userId: string;
    requestId: string | undefined;
    traceId?: string | undefined;
  }): void {
    this.metrics.cancelled.inc();
    this.#log.info(job, 'job cancelled');
  }

  /** An operator did something in the console. */
  operatorActed(about: {
    what: 'signed in' | 'refused' | 'signed out' | 'cancelled a job' | 'retried a job';
    requestId: string;
    userId: string;
    keyId: string;
    jobId?: string;
  }): void {
    this.#log.info(about, 'operator acted');
  }

  jobRequeued(job: AttemptAbout & { reason: string; err?: unknown }): void {
    this.metrics.requeued.inc({ reason: job.reason });
    this.#log.warn(job, 'job given back');
  }

  /** Its worker was lost, or did not end it in time: it went back to the queue. */
  jobLost(job: LostAbout): void {
    this.metrics.requeued.inc({ reason: 'lost' });
    this.#log.warn({ ...job, reason: 'lost' }, 'job given back');
  }

  /** A worker found it in its name without knowing of it: it went back to the queue. */
  jobReturned(job: LostAbout): void {
    this.metrics.requeued.inc({ reason: 'interrupted' });
    this.#log.warn({ ...job, reason: 'interrupted' }, 'job given back');
  }

  /** The queue did not have it while its row said so: it was put back. */
  jobStranded(job: LostAbout): void {
    this.metrics.requeued.inc({ reason: 'stranded' });
    this.#log.warn({ ...job, reason: 'stranded' }, 'job given back');
  }

  /** A PDF could not be kept; its job went back. Told in full when it begins, counted each time. */
  storeFailed(about: { store: string; reason: string; isNew: boolean }, err: unknown): void {
    const { isNew, ...labels } = about;
    this.metrics.storeWritesFailed.inc(labels);
    if (isNew) this.#log.error({ ...labels, err }, 'PDFs cannot be kept; nothing is claimed until they can');
    else this.#log.debug({ ...labels, err }, 'a PDF could not be kept');
  }

  storeBack(about: { store: string }): void {
    this.#log.info(about, 'PDFs can be kept again');
  }

  /** There is hardly room for the files that Chromium needs for a while. */
  temporaryRoomShort(about: { reason: string }): void {
    this.#log.error(about, 'no room for temporary files; nothing is claimed until there is');
  }

  temporaryRoomBack(): void {
    this.#log.info('there is room for temporary files again');
  }

  /** A fault of ours: the job stays claimed until the queue takes it for lost. */
  jobCrashed(job: AttemptAbout, err: unknown): void {
    this.#log.error({ ...job, err }, 'unexpected error in a job');
  }

  /** Somebody newer owns the job: what this attempt made was thrown away. */
  jobResultDiscarded(job: AttemptAbout): void {
    this.metrics.resultsDiscarded.inc();
    this.#log.warn(job, 'result thrown away: the job is no longer ours');
  }

  /** A key was not valid. */
  loginFailed(request: RequestAbout & { address: string }): void {
    this.#log.debug(request, 'login failed');
  }

  /** From this address there were so many keys that are not valid that no other is looked at for a while. */
  loginsBlocked(request: RequestAbout & { address: string; failures: number }): void {
    this.#log.warn(request, 'logins blocked');
  }

  userCreated(user: AdminAbout & { userId: string; tier: string | null }): void {
    this.#log.info(user, 'user created');
  }

  /** With all that was theirs. By an operator, or by a worker that went on where somebody was cut off. */
  userErased(user: Partial<AdminAbout> & { userId: string; jobs: number }): void {
    this.#log.info(user, 'user erased');
  }

  /** With it the user and the subscription, if they were new. */
  keyCreated(key: KeyAbout & { tier: string | null; scopes: readonly string[]; expiresAt: string | null }): void {
    this.#log.info(key, 'key created');
  }

  /** `keyId` is the new one. */
  keyRotated(key: KeyAbout & { replaces: string; replacedExpiresAt: string }): void {
    this.#log.info(key, 'key rotated');
  }

  keyRevoked(key: KeyAbout): void {
    this.#log.info(key, 'key revoked');
  }

  subscriptionSet(user: AdminAbout & { userId: string; tier: string | null }): void {
    this.#log.info(user, 'subscription set');
  }

  tierDefined(
    tier: AdminAbout & {
      tier: string;
      requestsPerMinute: number | null;
      requestsPerDay: number | null;
      priority: number;
      isNew: boolean;
    },
  ): void {
    this.#log.info(tier, 'tier defined');
  }

  tierDeleted(tier: AdminAbout & { tier: string }): void {
    this.#log.info(tier, 'tier deleted');
  }

  /** A page was found for a document: one that its tenant had before, or a new one. */
  pageTaken(kind: 'warm' | 'cold'): void {
    this.metrics.pageRequests.inc({ result: kind });
    this.#log.trace({ kind }, 'page taken');
  }

  /** A browser was ended or replaced, and why. */
  browserEnded(reason: string): void {
    this.metrics.browserRestarts.inc({ reason });
    if (reason === 'crashed' || reason === 'unresponsive') this.#log.warn({ reason }, 'browser ended');
    else this.#log.info({ reason }, 'browser ended');
  }

  /** Memory came close to its limit, or is well below it again. Bytes. */
  memoryPressure(state: { pressure: string; used: number; limit: number; source: string }): void {
    if (state.pressure === 'normal') this.#log.info(state, 'memory pressure is over');
    else this.#log.warn(state, 'memory pressure');
  }

  /** A renderer process was ended: it was too large, or the largest when memory ran out. */
  documentEvicted(about: { why: string; bytes: number }): void {
    this.metrics.evictedDocuments.inc({ reason: about.why });
    this.#log.warn(about, 'document given up for its memory');
  }

  browserStarted(version: string): void {
    this.metrics.chromiumStarted(version);
    this.#log.debug({ version }, 'browser started');
  }

  /** How this process keeps documents from its network, found out as its first browser started. */
  jailed(about: { jail: string; sandbox: boolean; reason?: string | undefined }): void {
    this.metrics.jail.set({ kind: about.jail }, 1);
    this.metrics.sandbox.set(about.sandbox ? 1 : 0);
    if (about.reason === undefined && about.sandbox) this.#log.info(about, 'documents are jailed');
    else this.#log.warn(about, 'documents are jailed less well than could be');
  }

  /** A document wanted to go where it may not. Logged for the first few of each document. */
  egressDenied(about: {
    reason: string;
    /** `host:port` */
    authority: string;
    userId: string | undefined;
    jobId: string | undefined;
    isLogged: boolean;
  }): void {
    const { isLogged, ...line } = about;
    this.metrics.egressDenied.inc({ reason: line.reason });
    if (isLogged) this.#log.warn(line, 'egress denied; EGRESS_ALLOW opens networks and hosts');
  }

  workerLost(worker: { workerId: string; jobs: number }): void {
    this.metrics.workersLost.inc();
    this.#log.warn(worker, 'worker lost; its jobs were handed on');
  }

  /** What holds this worker's lock is gone: it ends what it has, and claims nothing until it is back. */
  workerSessionLost(worker: { workerId: string }): void {
    this.metrics.sessionsLost.inc();
    this.#log.warn(worker, "the worker's session is lost; it claims nothing meanwhile");
  }

  workerSessionBack(worker: { workerId: string }): void {
    this.#log.info(worker, "the worker's session is back");
  }

  /** Something threw where nothing could catch it, for a job if that is known: the process stops, in order. */
  processFailed(about: { jobId: string | undefined }, err: unknown): void {
    this.metrics.processFailures.inc();
    this.#log.fatal({ ...about, err }, 'unexpected error; this process stops');
  }

  /** This worker was taken for dead (it was stopped, or cut off) and begins anew. */
  workerReturned(worker: { workerId: string }): void {
    this.#log.warn(worker, 'taken for lost, registered again');
  }

  workerRegistered(worker: { workerId: string; concurrency: number }): void {
    this.#log.info(worker, 'worker registered');
  }

  /** It gave back what it had, and is gone. */
  workerLeft(worker: { workerId: string }): void {
    this.#log.info(worker, 'worker left');
  }

  /** Before a process of this version began its work. */
  migrated(about: { migrations: string[] }): void {
    this.#log.info(about, 'database migrated');
  }

  /** The database did not answer, or could not be written, several times in a row: this process is not ready. */
  databaseAway(about: { reason: string }): void {
    this.#log.error(about, 'the database is away');
  }

  databaseBack(): void {
    this.#log.info('the database is back');
  }

  /** A read that the replica may answer was sent to it, or to the primary. */
  replicaRead(where: 'replica' | 'primary'): void {
    this.metrics.replicaReads.inc({ where });
    this.#log.trace({ where }, 'read routed');
  }

  /** From now on the replica is read, until it is left. */
  replicaUsed(): void {
    this.#log.info('the read replica is used');
  }

  /** From now on the primary is read, until the replica is well again. */
  replicaLeft(about: { fault: ReplicaFault; lagSeconds: number; err: unknown }): void {
    this.#log.warn(about, `the read replica is left (${about.fault}); look at DATABASE_READ_REPLICA_URL`);
  }

  /** PDFs whose bytes are gone, documents that never became one, and jobs that are no longer told of. */
  expired(counts: { files: number; documents: number; jobs: number }): void {
    this.#log.info(counts, 'expired');
  }

  /** PDFs in the directory that belonged to no file of a job. */
  filesSwept(counts: { files: number }): void {
    this.#log.info(counts, 'PDFs removed that nobody knew of');
  }

  /** Traces are asked for and cannot be made: this process goes on without them. */
  tracesUnavailable(err: unknown): void {
    this.#log.warn({ err }, 'traces are off');
  }

  /** Said once in ten seconds for each kind of work: what is tried again and again fails again and again. */
  backgroundFailed(what: string, err: unknown): void {
    const now = performance.now();
    const { saidAt, suppressed } = this.#failures.get(what) ?? { saidAt: -Infinity, suppressed: 0 };
    if (now - saidAt < QUIET_MS) {
      this.#failures.set(what, { saidAt, suppressed: suppressed + 1 });
      return;
    }
    this.#failures.set(what, { saidAt: now, suppressed: 0 });
    this.#log.error({ what, err, ...(suppressed > 0 && { suppressed }) }, 'background work failed');
  }
}
