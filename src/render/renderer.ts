import { resourceFails } from '../domain/failing-resource.ts';
import type { Failure, PrintedPart, PrintOutcome } from '../domain/outcome.ts';
import type { PageReport } from '../domain/page-report.ts';
import type { Part } from '../domain/pdf-request.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { readMemory, type MemoryReading } from '../memory/reading.ts';
import type { Events } from '../telemetry/events.ts';
import type { Content } from '../sources/source-type.ts';
import { plainContent } from '../sources/sources.ts';
import type { RendererState } from '../telemetry/metrics.ts';
import { errorType, Span } from '../telemetry/span.ts';
import { MemoryGovernor, type OtherWork, type Pressure } from './governor.ts';
import { missingFamilies } from './fonts/asked-families.ts';
import { ConsoleErrors } from './console-errors.ts';
import { FontsLost, withFontOrigin } from './embedded-fonts.ts';
import { showsFailure, takeFailurePicture } from './failure-picture.ts';
import { failure, judge } from './judge.ts';
import { listed } from './listed.ts';
import { loadDocument, printWhenReady } from './load.ts';
import { hasRules } from './request-rules.ts';
import { ownOrigin as ownOriginOf, unlinkOrigin } from './own-origin.ts';
import { Patience } from './patience.ts';
import { PagePool, type PoolOptions } from './pool.ts';
import { BrowserGone } from './pool-member.ts';
import { RendererGone } from './browser-watch.ts';
import { preparePage } from './prepare.ts';
import type { Printable } from './printable.ts';
import { takePicture } from './picture.ts';
import { describePdf, type PdfCaps, printPdf } from './print.ts';
import { readHtml } from './read-html.ts';
import { printSinglePage } from './single-page.ts';
import { isShareable, LoadsFromOutside } from './shareable.ts';
import { isStatic } from './static-document.ts';
import { missingSpace, temporaryDirectories } from './temporary-space.ts';
import type { WarmPage } from './warm-page.ts';

export interface RendererOptions extends Omit<PoolOptions, 'events'> {
  caps: PdfCaps & {
    /** most requests of one document */
    maxResources: number;
    /** most bytes that one document transfers, in both directions together */
    egressBytes: number;
    /** most memory of the renderer process of one document */
    memoryBytes: number;
  };
  events: Events;
  /** lower-case names of the font families that are here; undefined if that is not known */
  fontNames: ReadonlySet<string> | undefined;
  /** instead of the kernel's figures */
  readMemory?: (() => MemoryReading | undefined) | undefined;
}

export interface RenderContext {
  /** the owner of the part; a page is never shared between tenants, unless RENDER_ISOLATION is `shared` or `static` */
  tenant: string;
  jobId?: string | undefined;
  signal?: AbortSignal | undefined;
  /** milliseconds after which no other rendering begins, by default {@link MAX_WAIT_MS} */
  waitMs?: number;
  /** instead of what the part's source stands for */
  content?: Content | undefined;
  /** of the attempt; the steps become its children */
  span?: Span;
}

/** Of a document that failed. */
interface Failing {
  /** what its page said; undefined: it had no page */
  report?: () => PageReport | undefined;
  picture?: Uint8Array | undefined;
  /** of its time */
  deadline?: Deadline;
}

/** Renderings in one attempt, if the document is not the cause of the failures. */
const MAX_TRIES = 5;
/**
 * Milliseconds that a job may wait for pages in one attempt, renderings that failed included. A claim lasts so much
 * longer than the document's time limit, and some more.
 */
export const MAX_WAIT_MS = 40_000;
/** Frames and workers per document: many more would slow down other documents in the browser. */
const MAX_PARTS = 250;
const MAX_REMEMBERED_JOBS = 1_000;

/** Renders any number of documents at a time, within the limits of the pool. */
export class Renderer extends Lifecycle {
  readonly #caps: RendererOptions['caps'];
  readonly #fontNames: RendererOptions['fontNames'];
  readonly #directories = temporaryDirectories();
  readonly #pool: PagePool;
  readonly #governor: MemoryGovernor;
  /** jobs whose browser ended and that were requeued before they could be rendered alone */
  readonly #suspects = new Set<string>();
  /** jobs that failed while there was no disk space for temporary files */
  readonly #outOfSpace = new Set<string>();
  /** whether static documents share pages */
  readonly #sharesPages: boolean;
  /** whether a page may have another document */
  readonly #keepsFonts: boolean;
  #running = 0;

  constructor({ caps, fontNames, readMemory: read = readMemory, ...options }: RendererOptions) {
    super();
    this.#sharesPages = options.isolation === 'static';
    this.#keepsFonts = options.isolation !== 'job';
    this.#caps = caps;
    this.#fontNames = fontNames;
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

  protected override async onStop(): Promise<void> {
    await this.#governor.stop();
    await this.#pool.stop();
  }

  /** The memory is that of this work as well. */
  sharesMemoryWith(work: OtherWork): void {
    this.#governor.otherWork = work;
  }

  /** How many more documents memory allows, in addition to those running. */
  room(running: number): number {
    return this.#governor.room(running);
  }

  /** Milliseconds for which a browser has been needed but could not be started. */
  get browserlessMs(): number {
    return this.#pool.browsers.browserlessMs;
  }

  get state(): RendererState & { pressure: Pressure } {
    return { ...this.#pool.state, pressure: this.#governor.pressure, memoryRatio: this.#governor.ratio };
  }

  /**
   * Prints a part. Never rejects: the outcome contains the failure. Ends within the part's `timeoutMs` after a page is available,
   * and at once when `signal` aborts. Failures that the document does not cause use up neither its time nor an attempt.
   */
  async render(part: Part, context: RenderContext): Promise<PrintOutcome> {
    this.#running++;
    const outcome = await this.#render(part, context);
    this.#running--;
    const reason = outcome.kind === 'interrupted' ? outcome.reason : undefined;
    // The next time the job is rendered alone, which shows whether it is the cause.
    remember(this.#suspects, context.jobId, reason === 'browser');
    // The document itself may use up the space, so the next time a lack of space is no excuse.
    remember(this.#outOfSpace, context.jobId, reason === 'room');
    return outcome;
  }

  async #render({ source, ...settings }: Part, context: RenderContext): Promise<PrintOutcome> {
    const { signal, jobId = '', waitMs = MAX_WAIT_MS, span = new Span() } = context;
    let latest = new Deadline(waitMs);
    const content = context.content ?? plainContent(source);
    const isJustLayout = isLayout({ ...settings, content });
    const request = { ...settings, content, isJustLayout };
    let isShared = this.#sharesPages && isJustLayout && isShareable(request);
    let isAlone = this.#suspects.has(jobId);
    let isWhole = false;
    let spent: Deadline | undefined;
    for (let tries = 1; ; tries++) {
      if (signal?.aborted) return { kind: 'interrupted' };
      const failing: Failing = {};
      const lacksSpace = () => missingSpace(this.#directories) !== undefined;
      const lackedSpace = lacksSpace(); // checked before too, since a renderer that ends frees its space
      try {
        return {
          kind: 'done',
          pdf: await this.#renderOnce(
            request,
            { ...context, span },
            { latest, isAlone, isShared, isWhole, spent, failing },
          ),
        };
      } catch (error) {
        if (error instanceof FontsLost && !isWhole) {
          isWhole = true;
          spent = failing.deadline; // for what is left of its time
          latest = new Deadline(waitMs);
          tries--;
          continue;
        }
        // What ended a page that others had used may be their doing.
        if (isShared && (error instanceof LoadsFromOutside || error instanceof RendererGone)) {
          isShared = false;
          tries--;
          continue;
        }
        span.cutShort(signal?.aborted ? 'interrupted' : errorType(error));
        if (signal?.aborted) return { kind: 'interrupted' };
        if (mayLackSpace(error) && !this.#outOfSpace.has(jobId) && (lackedSpace || lacksSpace()))
          return { kind: 'interrupted', reason: 'room' };
        const outcome = judge(error, isAlone);
        if (outcome) return withReport(outcome, failing);
        // Rendering each document of an ended browser alone shows which of them is the cause.
        const isSuspect = error instanceof BrowserGone && !isAlone;
        if (tries >= MAX_TRIES) return withReport(failure(error), failing);
        const mayComeBack = isSuspect || (error instanceof NoPage && isAlone);
        if (latest.remainingMs === 0)
          return mayComeBack ? { kind: 'interrupted', reason: 'browser' } : withReport(failure(error), failing);
        isAlone ||= isSuspect;
      }
    }
  }

  async #renderOnce(
    settings: Judged,
    { tenant, jobId, signal, span }: RenderContext & { span: Span },
    { latest, isAlone, isShared, isWhole, spent, failing }: Way,
  ): Promise<PrintedPart> {
    const page = span.child('page'); // covers waiting for a page and preparing it
    const begun = Promise.withResolvers<void>();
    let isGivenUp = false;
    const rendering = this.#pool.use(
      tenant,
      async (warm) => {
        if (isGivenUp) throw new Error('the page came too late');
        begun.resolve();
        const { messages } = warm.watch;
        failing.report = () => messages.report;
        const deadline = spent ?? new Deadline(settings.timeoutMs);
        failing.deadline = deadline;
        const keepsFonts = this.#keepsFonts && !isWhole;
        const request = printable(settings, { hasChannel: warm.channel !== undefined, keepsFonts });
        const { ownOrigin, fonts } = request;
        warm.channel?.open({
          userId: tenant,
          jobId,
          // The document itself is no resource, and neither are fonts that it brought.
          maxConnections: this.#caps.maxResources + (ownOrigin ? 1 : 0) + (fonts?.count ?? 0),
          maxBytes: this.#caps.egressBytes,
          serves: ownOrigin ?? fonts?.origin,
          isOwnOnly: isShared,
        });
        try {
          const print = this.#print(warm, { ...request, isShared }, deadline, { span, page });
          return await deadline.race('the document', unlessAborted([signal], print));
        } catch (error) {
          // For the one who looks into the job; without a job nobody would see it.
          const isWanted = jobId !== undefined && !signal?.aborted && !warm.ended.aborted && showsFailure(error);
          if (isWanted) failing.picture = await takeFailurePicture(warm);
          throw error;
        } finally {
          warm.channel?.shut();
        }
      },
      { isAlone, isShared, signal },
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
    request: Printable & { isShared: boolean },
    deadline: Deadline,
    spans: { span: Span; page: Span },
  ): Promise<PrintedPart> {
    const caps = this.#caps;
    const excess = Promise.withResolvers<never>();
    excess.promise.catch(() => undefined);
    const fail = (does: string) => excess.reject(new CodedError('too_many_resources', `the document ${does}`));
    warm.watch.onCount = (count) => {
      if (request.isShared && warm.watch.touchedNetwork) excess.reject(new LoadsFromOutside());
      if (count > caps.maxResources) fail(`loads more than ${caps.maxResources} resources`);
    };
    warm.watch.onPart = (parts) => {
      if (parts > MAX_PARTS) fail(`starts more than ${MAX_PARTS} frames and workers`);
    };
    const { failOnConsoleError, failOnResourceError } = request;
    const consoleErrors = failOnConsoleError
      ? new ConsoleErrors(warm.tab.page, failOnConsoleError, excess.reject)
      : undefined;
    if (failOnResourceError) warm.watch.failures.failsJob = (end) => resourceFails(failOnResourceError, end);
    const steps = async (): Promise<PrintedPart> => {
      const clock = stopwatch();
      await preparePage(warm, request);
      const page = clock();
      spans.page.end();
      const patience = new Patience(request, deadline, warm);
      const loading = spans.span.during('load', () => loadDocument(warm, request, patience));
      await loading.finally(() => consoleErrors?.loaded());
      const load = clock();
      return printWhenReady(
        warm,
        request,
        { deadline, patience },
        {
          during: (work) => spans.span.during('wait', work),
          print: async () => {
            const { failures, askedFonts } = warm.watch;
            const missingFonts = this.#fontNames && askedFonts ? missingFamilies(askedFonts, this.#fontNames) : [];
            if (request.ownOrigin?.failure) throw request.ownOrigin.failure;
            if (request.ownOrigin && !request.isHtmlWanted) await unlinkOrigin(warm.tab.session, request.ownOrigin);
            if (warm.watch.hasLostFont) throw new FontsLost();
            if (failOnResourceError) await failures.settled();
            const { list: failedResources, failing } = failures;
            if (failing.length > 0)
              throw new CodedError('resource_failed', listed('resources of the document failed', failing));
            const wait = clock();
            const { picture } = request;
            const printed = await spans.span.during('print', async () => {
              if (picture) return takePicture(warm.tab, { ...request, picture }, caps);
              if (request.isHtmlWanted) return readHtml(warm.tab, caps);
              if (!request.singlePage) return describePdf(await printPdf(warm.tab, request.options, caps), caps);
              return describePdf(await printSinglePage(warm.tab, request, caps, deadline), caps);
            });
            const timings = { page, load, wait, print: clock() };
            const { incomplete } = patience;
            const { report: pageReport } = warm.watch.messages;
            return {
              ...printed,
              timings,
              failedResources,
              missingFonts,
              incomplete,
              ...(pageReport && { pageReport }),
            };
          },
        },
      );
    };
    try {
      const printed = await Promise.race([steps(), excess.promise]);
      if (request.isShared && warm.watch.touchedNetwork) throw new LoadsFromOutside();
      return printed;
    } finally {
      consoleErrors?.end();
    }
  }
}

/** How a document is rendered. */
interface Way {
  latest: Deadline;
  isAlone: boolean;
  isShared: boolean;
  /** with the fonts that are embedded in it */
  isWhole: boolean;
  /** of the same attempt, which has taken some of it */
  spent: Deadline | undefined;
  failing: Failing;
}

/** A failure with what its page said and showed, if it did. */
function withReport(outcome: Failure, { report, picture }: Failing): Failure {
  const said = report?.();
  if (outcome.kind === 'interrupted' || !(said || picture)) return outcome;
  return { ...outcome, pageReport: { messages: [], messageCount: 0, ...said, ...(picture && { picture }) } };
}

/** What is printed. `isJustLayout`: it is static, and so are its settings. */
type Judged = Omit<Part, 'source'> & { content: Content; isJustLayout: boolean };

function isLayout(settings: Omit<Judged, 'isJustLayout'>): boolean {
  const { content } = settings;
  return 'html' in content && content.html !== undefined && isStatic(content.html) && !mayAct(settings);
}

/** Only a channel can answer a document that is at an origin of its own. */
function printable(
  { isJustLayout, ...settings }: Judged,
  { hasChannel, keepsFonts }: { hasChannel: boolean; keepsFonts: boolean },
): Printable {
  const ownOrigin = hasChannel
    ? ownOriginOf(
        settings.content,
        { isJustLayout, mayRunScripts: settings.setJavaScriptEnabled, mayBeKept: !hasRules(settings) },
        settings,
      )
    : undefined;
  const request = { ...settings, isStatic: isJustLayout, ownOrigin };
  return hasChannel && keepsFonts && !ownOrigin ? withFontOrigin(request) : request;
}

/** Whether these settings make a document more than layout. One whose HTML is read must not get a base of ours. */
function mayAct({ addScriptTag, addStyleTag, waitForFunction, isHtmlWanted }: Omit<Part, 'source'>): boolean {
  const hasStyle = addStyleTag?.some(({ content }) => content !== undefined && !isStatic(content));
  return addScriptTag !== undefined || waitForFunction !== undefined || hasStyle === true || isHtmlWanted === true;
}

/** Adds a job to a bounded set, or removes it. */
function remember(jobs: Set<string>, jobId: string | undefined, isAdded: boolean): void {
  if (jobId === undefined) return;
  jobs.delete(jobId);
  if (!isAdded) return;
  const [oldest] = jobs;
  if (oldest !== undefined && jobs.size >= MAX_REMEMBERED_JOBS) jobs.delete(oldest);
  jobs.add(jobId);
}

/**
 * Whether a lack of disk space can cause this error: the browser cannot write the PDF or share memory between its
 * processes, and then ends one of them.
 */
function mayLackSpace(error: unknown): boolean {
  return !(error instanceof CodedError || error instanceof DeadlineExceeded);
}

/** No page was available in time. */
class NoPage extends Error {
  override name = 'NoPage';
}

/** @returns a function that returns the milliseconds since its last call */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const passed = now - last;
    last = now;
    return Math.round(passed * 10) / 10;
  };
}
