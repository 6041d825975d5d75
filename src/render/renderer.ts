import type { FailedResource } from '../domain/job.ts';
import type { Outcome, RenderedPdf } from '../domain/outcome.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { readMemory, type MemoryReading } from '../memory/reading.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import { errorType, type Span, Untraced } from '../telemetry/span.ts';
import { MemoryGovernor, type Pressure, type Sacrifice } from './governor.ts';
import { loadDocument, preparePage, waitUntilReady } from './load.ts';
import { PagePool, type PoolOptions } from './pool.ts';
import { describePdf, type PdfCaps, printPdf } from './print.ts';
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
  /** of the attempt: the steps become parts of it */
  span?: Span;
}

/** Renderings in one attempt, if the browser ends underneath. */
const TRIES = 3;

/** What the browser says when a page or all of it is gone: our fault or nobody's, so it is tried again. */
const BROWSER_GONE =
  /Target closed|Session closed|Connection closed|Protocol error.{0,200}closed|Browser closed|detached Frame|Page crashed|Target crashed|not started|Printing failed/i;

const isBrowserGone = (error: unknown) => BROWSER_GONE.test(messageOf(error));

/** Renders one request at a time for each caller, any number at once below the pool's ceilings. */
export class Renderer extends Lifecycle {
  readonly #caps: RendererOptions['caps'];
  readonly #pool: PagePool;
  readonly #governor: MemoryGovernor;

  constructor({ caps, readMemory: read = readMemory, ...options }: RendererOptions) {
    super();
    this.#caps = caps;
    this.#pool = new PagePool(options);
    this.#governor = new MemoryGovernor({
      read,
      pool: this.#pool,
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
   * Never rejects: what went wrong is in the outcome. Ends within the request's `timeoutMs`,
   * whatever the page does, and at once when `signal` aborts.
   */
  async render(request: PdfRequest, { tenant, jobId, signal, span = new Untraced() }: RenderContext): Promise<Outcome> {
    if (signal?.aborted) return { kind: 'interrupted' };
    const deadline = new Deadline(request.timeoutMs);
    const interrupted = Promise.withResolvers<never>();
    const onAbort = () => interrupted.reject(new Error('interrupted'));
    signal?.addEventListener('abort', onAbort);
    interrupted.promise.catch(() => undefined);
    const within = <T>(work: Promise<T>) => deadline.race('the document', Promise.race([work, interrupted.promise]));
    const once = () => {
      const page = span.child('page'); // from the wish for one until it is prepared
      // Both the work and the wait for a page: whoever waited too long must not begin.
      return within(
        this.#pool.use(tenant, async (warm) => {
          if (signal?.aborted || deadline.remainingMs === 0) throw new DeadlineExceeded('a page', request.timeoutMs);
          warm.channel?.open({
            userId: tenant,
            jobId,
            maxConnections: this.#caps.maxResources,
            maxBytes: this.#caps.egressBytes,
          });
          try {
            return await within(this.#print(warm, request, deadline, { span, page }));
          } finally {
            warm.channel?.shut();
          }
        }),
      );
    };
    try {
      for (let tries = 1; ; tries++) {
        try {
          return { kind: 'done', pdf: await once() };
        } catch (error) {
          span.cutShort(signal?.aborted ? 'interrupted' : errorType(error));
          if (signal?.aborted) return { kind: 'interrupted' };
          const sacrifice = isBrowserGone(error) ? this.#governor.takeSacrifice() : undefined;
          // A browser that ended took others with it that had no part in it: again at once, unnoticed.
          const isOurs = !(error instanceof CodedError) && !(error instanceof DeadlineExceeded);
          if (!isOurs || sacrifice || tries >= TRIES) return this.#outcomeOf(error, sacrifice);
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
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
    const steps = async (): Promise<RenderedPdf> => {
      const clock = stopwatch();
      await preparePage(warm, request);
      const page = clock();
      spans.page.end();
      await spans.span.during('load', () => loadDocument(warm, request, deadline));
      const load = clock();
      await spans.span.during('wait', () => waitUntilReady(warm, request, deadline));
      const { failures } = warm.watch;
      if (request.failOnResourceError) failOn(failures);
      const wait = clock();
      const chunks = await spans.span.during('print', () => printPdf(warm.session, request.options, caps));
      const print = clock();
      return describePdf(chunks, { page, load, wait, print }, failures, caps);
    };
    return Promise.race([steps(), warm.crashed, excess]);
  }

  #outcomeOf(error: unknown, sacrifice: Sacrifice | undefined): Outcome {
    if (error instanceof CodedError) return { kind: 'reject', code: error.code, message: error.message };
    if (error instanceof DeadlineExceeded)
      return { kind: 'reject', code: 'render_timeout', message: `${error.message}; allow more with timeoutMs` };
    if (sacrifice === 'too large')
      return {
        kind: 'reject',
        code: 'memory_exceeded',
        message: 'the document needs more memory than DOCUMENT_MEMORY_LIMIT_MB',
      };
    // A renderer that crashes while it prints says the same as one that cannot print, so it is tried again.
    if (sacrifice === undefined && /Printing failed/i.test(messageOf(error)))
      return { kind: 'retry', code: 'print_failed', message: 'the browser could not print the document', cause: error };
    const message =
      sacrifice === 'largest'
        ? 'memory ran out, and this was the largest document'
        : isBrowserGone(error)
          ? 'the browser ended while it rendered the document'
          : 'the browser failed';
    return { kind: 'retry', code: 'browser_failed', message, cause: error };
  }
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
