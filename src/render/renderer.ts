import type { FailedResource } from '../domain/job.ts';
import type { Outcome, RenderedPdf } from '../domain/outcome.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';
import type { ServedOrigin } from '../egress/served-origin.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { readMemory, type MemoryReading } from '../memory/reading.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import { errorType, type Span, Untraced } from '../telemetry/span.ts';
import { type RendererEnd, RendererGone } from './browser-watch.ts';
import { isAbout } from './chromium-errors.ts';
import { unlinkOrigin } from './folder.ts';
import { MemoryGovernor, type Pressure } from './governor.ts';
import { loadDocument, preparePage, whenReady } from './load.ts';
import { PagePool, type PoolOptions } from './pool.ts';
import { BrowserGone } from './pool-member.ts';
import { describePdf, type PdfCaps, printPdf } from './print.ts';
import { missingRoom, temporaryPlaces } from './temporary-room.ts';
import type { WarmPage } from './warm-page.ts';

export interface RendererOptions extends Omit<PoolOptions, 'events'> {
  caps: PdfCaps & {
    /** requests of one document, at most */
    maxResources: number;
    /** of one document's connections, in both directions together, at most */
    egressBytes: number;
    /** of the renderer process of one document, at most */
    memoryBytes: number;
  };
  events: Events;
  /** another view of the memory than the kernel's */
  readMemory?: (() => MemoryReading | undefined) | undefined;
}

interface RenderContext {
  /** whose document it is: nobody else's is ever rendered in the same page */
  tenant: string;
  /** for whoever reads the log */
  jobId?: string | undefined;
  signal?: AbortSignal | undefined;
  /** where the document finds its own files, and is itself */
  serves?: ServedOrigin | undefined;
  /** of the attempt: the steps become parts of it */
  span?: Span;
}

/** Renderings in one attempt, if what goes wrong is not the document's fault. */
const TRIES = 5;
/**
 * Milliseconds after which no other rendering begins in the same attempt. Each has the document's whole time, and
 * the queue takes the worker for dead a minute after that.
 */
const AGAIN_MS = 40_000;
/** Frames and workers that one document may start: many more make the whole browser slow, its neighbours with it. */
const MAX_PARTS = 250;
const MAX_SUSPECTS = 1_000;

/** Renders one request at a time for each caller, any number at once below the pool's ceilings. */
export class Renderer extends Lifecycle {
  readonly #caps: RendererOptions['caps'];
  readonly #places = temporaryPlaces();
  readonly #pool: PagePool;
  readonly #governor: MemoryGovernor;
  /** jobs whose browser has ended, and which were given back before they could be rendered alone */
  readonly #suspects = new Set<string>();
  /** jobs that went wrong while there was no room for temporary files */
  readonly #roomless = new Set<string>();
  #running = 0;

  constructor({ caps, readMemory: read = readMemory, ...options }: RendererOptions) {
    super();
    this.#caps = caps;
    this.#pool = new PagePool(options);
    this.#governor = new MemoryGovernor({
      read,
      pool: this.#pool,
      running: () => this.#running,
      documentLimitBytes: caps.memoryBytes,
      events: options.events,
    });
  }

  protected async onStart(): Promise<void> {
    await this.#pool.start();
    await this.#governor.start();
  }

  protected async onStop(): Promise<void> {
    await this.#governor.stop();
    await this.#pool.stop();
  }

  /** How many more documents memory allows beside those running. */
  room(running: number): number {
    return this.#governor.room(running);
  }

  /** Milliseconds for which a browser has been wanted and none could be had. */
  get browserlessMs(): number {
    return this.#pool.browserlessMs;
  }

  get state(): RendererState & { pressure: Pressure } {
    return { ...this.#pool.state(), pressure: this.#governor.pressure, memoryRatio: this.#governor.ratio };
  }

  /**
   * Never rejects: what went wrong is in the outcome. Ends within the request's `timeoutMs` from when there is a
   * page, whatever the document does, and at once when `signal` aborts; what is not the document's fault costs it none
   * of that time, nor an attempt.
   */
  async render(request: PdfRequest, context: RenderContext): Promise<Outcome> {
    this.#running++;
    const outcome = await this.#render(request, context);
    this.#running--;
    // It is rendered alone when it comes here again: so no document comes back for ever.
    note(this.#suspects, context.jobId, outcome.kind === 'interrupted' && outcome.reason === 'browser');
    // And that there is no room may be its own doing: the next time it is no excuse.
    note(this.#roomless, context.jobId, outcome.kind === 'interrupted' && outcome.reason === 'room');
    return outcome;
  }

  async #render(request: PdfRequest, context: RenderContext): Promise<Outcome> {
    const { signal, jobId = '', span = new Untraced() } = context;
    const latest = new Deadline(AGAIN_MS);
    let isAlone = this.#suspects.has(jobId);
    for (let tries = 1; ; tries++) {
      if (signal?.aborted) return { kind: 'interrupted' };
      const isShort = () => missingRoom(this.#places) !== undefined;
      const wasShort = isShort(); // what a renderer had is free again once it has ended for want of room
      try {
        return { kind: 'done', pdf: await this.#renderOnce(request, { ...context, span }, { latest, isAlone }) };
      } catch (error) {
        span.cutShort(signal?.aborted ? 'interrupted' : errorType(error));
        if (signal?.aborted) return { kind: 'interrupted' };
        if (isExcusable(error) && !this.#roomless.has(jobId) && (wasShort || isShort()))
          return { kind: 'interrupted', reason: 'room' };
        const outcome = judge(error, isAlone);
        if (outcome) return outcome;
        // Which of the documents in it a browser ended of is found out by rendering each of them alone.
        const isSuspect = error instanceof BrowserGone && !isAlone;
        if (tries >= TRIES) return failure(error);
        const mayComeBack = isSuspect || (error instanceof NoPage && isAlone);
        if (latest.remainingMs === 0) return mayComeBack ? { kind: 'interrupted', reason: 'browser' } : failure(error);
        isAlone ||= isSuspect;
      }
    }
  }

  async #renderOnce(
    request: PdfRequest,
    { tenant, jobId, signal, span, serves }: RenderContext & { span: Span },
    { latest, isAlone }: { latest: Deadline; isAlone: boolean },
  ): Promise<RenderedPdf> {
    const page = span.child('page'); // from the wish for one until it is prepared
    const begun = Promise.withResolvers<void>();
    let isGivenUp = false;
    const rendering = this.#pool.use(
      tenant,
      async (warm) => {
        if (isGivenUp) throw new Error('nobody waits any more'); // whoever waited too long must not begin
        begun.resolve();
        const deadline = new Deadline(request.timeoutMs);
        warm.channel?.open({
          userId: tenant,
          jobId,
          maxConnections: this.#caps.maxResources,
          maxBytes: this.#caps.egressBytes,
          serves,
        });
        try {
          const print = this.#print(warm, request, deadline, { span, page });
          return await deadline.race('the document', unlessAborted([signal], print));
        } finally {
          warm.channel?.shut();
        }
      },
      { isAlone, signal },
    );
    try {
      await latest.race('a page', unlessAborted([signal], Promise.race([begun.promise, rendering])));
    } catch (error) {
      isGivenUp = true;
      throw error instanceof DeadlineExceeded && error.step === 'a page' ? new NoPage(error.message) : error;
    }
    return unlessAborted([signal], rendering);
  }

  async #print(
    warm: WarmPage,
    request: PdfRequest,
    deadline: Deadline,
    spans: { span: Span; page: Span },
  ): Promise<RenderedPdf> {
    const caps = this.#caps;
    const { promise: excess, reject } = Promise.withResolvers<never>();
    excess.catch(() => undefined);
    warm.watch.onCount = (count) => {
      if (count <= caps.maxResources) return;
      reject(new CodedError('too_many_resources', `the document loads more than ${caps.maxResources} resources`));
    };
    warm.watch.onPart = (parts) => {
      if (parts <= MAX_PARTS) return;
      reject(new CodedError('too_many_resources', `the document starts more than ${MAX_PARTS} frames and workers`));
    };
    const steps = async (): Promise<RenderedPdf> => {
      const clock = stopwatch();
      await preparePage(warm, request);
      const page = clock();
      spans.page.end();
      await spans.span.during('load', () => loadDocument(warm, request, deadline));
      const load = clock();
      return whenReady(warm, request, deadline, {
        during: (work) => spans.span.during('wait', work),
        print: async () => {
          const { failures } = warm.watch;
          if (warm.channel?.serves) await unlinkOrigin(warm.session, warm.channel.serves);
          if (request.failOnResourceError) failOn(failures);
          const wait = clock();
          const chunks = await spans.span.during('print', () => printPdf(warm, request.options, caps));
          const print = clock();
          return describePdf(chunks, { page, load, wait, print }, failures, caps);
        },
      });
    };
    return Promise.race([steps(), excess]);
  }
}

/** Jobs of which something has to be remembered, but not for ever. */
function note(jobs: Set<string>, jobId: string | undefined, isSo: boolean): void {
  if (jobId === undefined) return;
  jobs.delete(jobId);
  if (!isSo) return;
  const [oldest] = jobs;
  if (oldest !== undefined && jobs.size >= MAX_SUSPECTS) jobs.delete(oldest);
  jobs.add(jobId);
}

/**
 * Whether a browser may fail so for want of room: it cannot write down what it has printed, nor share memory between
 * its processes, and then ends one of them.
 */
function isExcusable(error: unknown): boolean {
  return !(error instanceof CodedError || error instanceof DeadlineExceeded);
}

/** No browser had room for the document in time. */
class NoPage extends Error {
  override name = 'NoPage';
}

/** What became of an attempt that failed, if that is known; undefined if the document may be rendered again at once. */
function judge(error: unknown, isAlone: boolean): Outcome | undefined {
  if (error instanceof CodedError) return { kind: 'reject', code: error.code, message: error.message };
  if (error instanceof DeadlineExceeded)
    return { kind: 'reject', code: 'render_timeout', message: `${error.message}; allow more with timeoutMs` };
  if (error instanceof RendererGone) return judgeRenderer(error.how);
  if (error instanceof BrowserGone && isAlone && !error.isFromOutside)
    return {
      kind: 'reject',
      code: 'document_crashed',
      message: 'the browser ended or hung while it rendered this document and nothing else',
    };
  return undefined;
}

function judgeRenderer(how: RendererEnd): Outcome | undefined {
  switch (how) {
    case 'crashed':
      return {
        kind: 'reject',
        code: 'document_crashed',
        message: 'the document is too deep, too large or too intricate for the browser: its renderer crashed',
      };
    case 'closed':
      return { kind: 'reject', code: 'document_crashed', message: 'the document closed its own page' };
    case 'too large':
      return {
        kind: 'reject',
        code: 'memory_exceeded',
        message: 'the document needs more memory than DOCUMENT_MEMORY_LIMIT_MB',
      };
    case 'fills the memory':
      return {
        kind: 'reject',
        code: 'memory_exceeded',
        message: 'the document needs more memory than its worker has, with nothing beside it',
      };
    case 'largest':
      return { kind: 'interrupted', reason: 'memory' };
    case 'killed':
      return undefined;
  }
}

/** What went wrong again and again, and is not the document's fault as far as we know. */
function failure(error: unknown): Outcome {
  if (isAbout(error, 'printing'))
    return { kind: 'retry', code: 'print_failed', message: 'the browser could not print the document', cause: error };
  const isGone = error instanceof RendererGone || error instanceof BrowserGone;
  const message = isGone ? 'the browser ended while it rendered the document' : 'the browser failed';
  return { kind: 'retry', code: 'browser_failed', message, cause: error };
}

function failOn(failures: FailedResource[]): void {
  const [first] = failures;
  if (first) throw new CodedError('resource_failed', `${first.url} could not be loaded: ${first.reason}`);
}

/** @returns a function that gives the milliseconds since it was last called */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const passed = now - last;
    last = now;
    return Math.round(passed * 10) / 10;
  };
}
