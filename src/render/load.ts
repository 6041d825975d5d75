import { setTimeout as sleep } from 'node:timers/promises';
import type { Cookie, CookieData, Page } from 'puppeteer';
import { acceptedLocale, canonicalLocale, canonicalTimezone } from '../domain/locale.ts';
import { type PdfRequest, urlProblem } from '../domain/pdf-request.ts';
import { shownUrl } from '../domain/shown-url.ts';
import { type Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { isAbout, networkErrorOf } from './chromium-errors.ts';
import { sendExtraHeaders } from './extra-headers.ts';
import { isStatic } from './static-document.ts';
import { mayNeedBase, relativeAddresses } from './relative-addresses.ts';
import { unreachableError } from './unreachable.ts';
import type { WarmPage } from './warm-page.ts';

/** Milliseconds for fonts and images that are still on their way when all else has loaded; then it prints without. */
const SEEN_TIMEOUT_MS = 5_000;
/** Requests. */
const MANY = 20;
const SELECTOR_TIMEOUT_MS = 30_000;
const IDLE_MS = 500;

/** Settles when the document's fonts are there; quick when they are. */
const FONTS_READY = 'document.fonts.status === "loaded" || document.fonts.ready.then(() => true)';
/** What is shown is asked for when it is laid out. Until then there is nothing that fonts would be waited for. */
const LAID_OUT_WITH_FONTS = `document.documentElement?.offsetHeight; ${FONTS_READY}`;
/** Frames, and images that have another source in print, hear of the change with the next picture on the screen. */
const HAS_LATECOMERS = 'document.querySelector("source[media], iframe, frame, object") !== null';
/** Milliseconds for some of them. */
const PICTURE_MS = 50;

/** Whatever the request asks of the page itself. What a page has by default is left as it is. */
export async function preparePage(warm: WarmPage, request: PdfRequest): Promise<void> {
  const { page, context, session } = warm;
  const isJustLayout = request.html !== undefined && isStatic(request.html);
  if (!isJustLayout) warm.mark('scripts');
  await page.setJavaScriptEnabled(request.setJavaScriptEnabled && !isJustLayout);
  if (request.viewport) {
    warm.mark('origin');
    await page.setViewport(request.viewport);
  }
  if (request.userAgent !== undefined) {
    warm.mark('origin');
    await page.setUserAgent({ userAgent: request.userAgent });
  }
  if (request.setExtraHTTPHeaders) {
    warm.mark('origin');
    warm.watch.headersGoTo = await sendExtraHeaders(session, request);
  }
  // A script may look at the screen before it is printed; nobody looks at mere layout.
  await warm.setMedia(request.emulateMediaType ?? (isJustLayout ? 'print' : 'browser'));
  const locale =
    request.locale === undefined ? acceptedLocale(request.setExtraHTTPHeaders) : canonicalLocale(request.locale);
  if (locale !== undefined) {
    warm.mark('locale');
    await page.emulateLocale(locale);
  }
  if (request.timezone !== undefined) {
    warm.mark('locale');
    await page.emulateTimezone(canonicalTimezone(request.timezone));
  }
  if (request.cookies) {
    warm.mark('network');
    await context.setCookie(...request.cookies.map((cookie) => cookieData(cookie, request.url)));
  }
}

function cookieData(cookie: NonNullable<PdfRequest['cookies']>[number], documentUrl: string | undefined): CookieData {
  const { url = cookie.domain === undefined ? documentUrl : undefined, domain, path, ...rest } = cookie;
  const from = url === undefined ? undefined : new URL(url);
  return {
    ...(rest as Partial<Cookie>),
    name: rest.name,
    value: rest.value,
    domain: domain ?? from?.hostname ?? '',
    path: path ?? '/',
    secure: rest.secure ?? false,
  };
}

/** Brings the document into the page. @throws CodedError if it cannot be loaded, DeadlineExceeded */
export async function loadDocument(warm: WarmPage, request: PdfRequest, deadline: Deadline): Promise<void> {
  const { timeout } = request.gotoOptions;
  const limit = timeout ? deadline.within(timeout) : deadline;
  const step = `loading until ${waitsFor(request).join(' and ')}`;
  warm.navigation.begin();
  if (warm.isLively) await warm.navigation.listen();
  if (request.html !== undefined) await limit.race(step, setContent(warm, request, request.html));
  else await goto(warm, request, (work) => limit.race(step, work));
}

const waitsFor = ({ gotoOptions }: PdfRequest) => [gotoOptions.waitUntil].flat();

const eventOf = (request: PdfRequest) =>
  waitsFor(request).every((event) => event === 'domcontentloaded') ? 'domcontentloaded' : 'load';

/** As long as the request wants the network to be quiet. */
async function quietNetwork({ watch }: WarmPage, request: PdfRequest): Promise<void> {
  const events = waitsFor(request);
  const requests = events.includes('networkidle0') ? 0 : events.includes('networkidle2') ? 2 : undefined;
  if (requests !== undefined) await watch.quiet(requests, IDLE_MS);
}

/** In the page as it is, without a navigation, which would cost more than most documents. */
async function setContent(warm: WarmPage, request: PdfRequest, html: string): Promise<void> {
  const { page, session, frameId } = warm;
  const isLoaded = Promise.withResolvers<void>();
  page.once(eventOf(request), () => isLoaded.resolve());
  // A byte order mark would be text before the doctype, and so the end of it.
  await session.send('Page.setDocumentContent', { frameId, html: html.replace(/^\uFEFF/, '') });
  await (warm.isLively ? Promise.race([isLoaded.promise, hasStopped(warm)]) : isLoaded.promise);
  await quietNetwork(warm, request);
}

/** Resolves when the document has ended its own loading, with `window.stop()`: no event tells of that. */
async function hasStopped({ session, watch }: WarmPage): Promise<void> {
  await watch.quiet(0, IDLE_MS);
  await session.send('Runtime.evaluate', { expression: '0' }); // when no script runs
}

async function goto(warm: WarmPage, request: PdfRequest, within: <T>(work: Promise<T>) => Promise<T>): Promise<void> {
  const { page, channel } = warm;
  const url = request.url ?? '';
  const problem = urlProblem(url); // checked at submit too; the queue is not to be trusted more than the caller
  if (problem) throw new CodedError('navigation_failed', `url: ${problem}`);
  await within(warm.followProcesses());
  try {
    const { waitUntil } = request.gotoOptions;
    await within(page.goto(url, { waitUntil, timeout: 0 }));
  } catch (error) {
    const reason = networkErrorOf(error);
    const unreachable = reason === undefined ? undefined : channel?.unreachable(url);
    if (unreachable) throw unreachableError(url, unreachable);
    if (reason)
      throw new CodedError('navigation_failed', `${shownUrl(url)} could not be loaded: ${reason}`, { cause: error });
    throw error;
  }
}

/** Looks at what the page has come to. @throws CodedError if that is not what is to be printed */
function checkArrival({ navigation, channel, watch }: WarmPage, { failOnStatus }: PdfRequest): void {
  const { url = '', unreachableUrl, response } = navigation.last ?? {};
  const at = response?.url() ?? unreachableUrl;
  const unreachable = at === undefined ? undefined : channel?.unreachable(at);
  if (at !== undefined && unreachable) throw unreachableError(at, unreachable);
  if (unreachableUrl !== undefined)
    throw new CodedError(
      'navigation_failed',
      `${shownUrl(unreachableUrl)} could not be loaded: the document went there`,
    );
  if (url.startsWith('about:blank'))
    throw new CodedError(
      'navigation_failed',
      'the document reloaded itself, or went back, to where nothing is: about:blank',
    );
  // What came of it would be printed as if it were the whole.
  const failure = response?.request().failure();
  if (failure)
    throw new CodedError(
      'navigation_failed',
      `${shownUrl(at ?? url)} was cut off: ${failure.errorText.replace('net::', '')}`,
    );
  if (failOnStatus && response && response.status() >= 400)
    throw new CodedError(
      'document_status',
      `${shownUrl(response.url())} answered ${watch.describeStatus(response.url(), response.status())}; to print it all the same, set failOnStatus to false`,
    );
}

/**
 * Does `print` when the document is ready, and where it stays. If it goes elsewhere before, what it comes to is
 * loaded, looked at and waited for in the same way, as often as that happens.
 * @throws CodedError, DeadlineExceeded
 */
export async function whenReady<T>(
  warm: WarmPage,
  request: PdfRequest,
  deadline: Deadline,
  { during, print }: { during: <R>(work: () => Promise<R>) => Promise<R>; print: () => Promise<T> },
): Promise<T> {
  const { navigation } = warm;
  const waitForNamed = waiter(warm, request, deadline);
  for (;;) {
    const seen = navigation.count;
    const hasMoved = () => warm.isLively && (navigation.isLeaving || navigation.count !== seen);
    try {
      await during(async () => {
        if (warm.isLively && seen > 0) checkArrival(warm, request);
        await Promise.race([waitForNamed(), navigation.moved()]);
        if (!hasMoved()) await waitForSeen(warm, request, deadline);
        if (!hasMoved()) await noteRelativeAddresses(warm, request, deadline);
      });
      if (!hasMoved()) return await print();
    } catch (error) {
      if (error instanceof CodedError || error instanceof DeadlineExceeded) throw error;
      if (!hasMoved() && !isAbout(error, 'document gone')) throw error;
    }
    await deadline.race('following the document to where it goes', navigation.settled(eventOf(request)));
    if (!request.emulateMediaType) await warm.setMedia('browser');
    await deadline.race('a quiet network', quietNetwork(warm, request));
  }
}

/** @returns what waits for what the request names, each time it is called; the selector's time begins here */
function waiter(warm: WarmPage, request: PdfRequest, deadline: Deadline): () => Promise<void> {
  const { waitForSelector: named, waitForTimeout } = request;
  const limit = deadline.within(named?.timeout ? named.timeout : SELECTOR_TIMEOUT_MS);
  return async () => {
    if (named) await waitForSelector(warm.page, named, limit);
    if (waitForTimeout) await deadline.race('waitForTimeout', sleep(waitForTimeout, undefined, { ref: false }));
  };
}

/** Waits for fonts and images that a script, or the styles for print, have asked for when all else was loaded. */
async function waitForSeen(warm: WarmPage, request: PdfRequest, deadline: Deadline): Promise<void> {
  const { session, watch, isLively } = warm;
  const limit = deadline.within(SEEN_TIMEOUT_MS);
  if (isLively && !request.emulateMediaType) {
    await warm.setMedia('print');
    const { result } = await session.send('Runtime.evaluate', { expression: HAS_LATECOMERS });
    if (result.value === true) await sleep(PICTURE_MS, undefined, { ref: false });
  }
  const expression = isLively ? LAID_OUT_WITH_FONTS : FONTS_READY;
  try {
    for (let isFirst = true; ; isFirst = false) {
      await limit.race('loading fonts', session.send('Runtime.evaluate', { expression, awaitPromise: true }));
      if (!isLively || eventOf(request) === 'domcontentloaded') return;
      // A style leads to another, and that to images. So many at once are a script's that goes on asking for ever.
      const awaited = watch.loading();
      if (awaited.length === 0 || (!isFirst && awaited.length > MANY)) return;
      await limit.race('loading what is seen', watch.ends(awaited));
    }
  } catch (error) {
    if (!(error instanceof DeadlineExceeded)) throw error;
  }
}

/** A document of `html` has nothing that they could be relative to: what they name has not loaded. */
async function noteRelativeAddresses(
  { session, watch, navigation }: WarmPage,
  { html }: PdfRequest,
  deadline: Deadline,
): Promise<void> {
  if (html === undefined || navigation.count > 0 || !mayNeedBase(html)) return;
  const found = await deadline.race('looking for addresses', relativeAddresses(session));
  for (const { url, reason } of found) watch.failed(url, reason);
}

async function waitForSelector(
  page: Page,
  { selector, visible = false, hidden = false }: NonNullable<PdfRequest['waitForSelector']>,
  limit: Deadline,
): Promise<void> {
  try {
    // waitForSelector would wait for a selector that can never match; asking once says so.
    await limit.race('waitForSelector', page.$(selector));
    await limit.race('waitForSelector', page.waitForSelector(selector, { visible, hidden, timeout: 0 }));
  } catch (error) {
    if (error instanceof DeadlineExceeded)
      throw new CodedError(
        'selector_not_found',
        `waitForSelector.selector: it did not ${hidden ? 'disappear' : 'appear'} within ${error.limitMs} ms`,
      );
    if (isAbout(error, 'selector'))
      throw new CodedError('selector_not_found', 'waitForSelector.selector: it is not a valid selector', {
        cause: error,
      });
    throw error;
  }
}
