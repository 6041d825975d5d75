import { setTimeout as sleep } from 'node:timers/promises';
import { statusFails } from '../domain/failing-status.ts';
import { shownUrl } from '../domain/shown-url.ts';
import { urlProblem } from '../domain/source.ts';
import type { ServedOrigin } from '../egress/served-origin.ts';
import { type Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { isBrowserError, networkErrorOf } from './browser-error.ts';
import { withLargeText } from './large-text.ts';
import { FontsLost } from './embedded-fonts.ts';
import { ASKED_FONTS, askedFonts } from './fonts/asked-families.ts';
import { withBase } from './own-origin.ts';
import type { Patience } from './patience.ts';
import type { Printable } from './printable.ts';
import { mayNeedBase, relativeAddresses } from './relative-addresses.ts';
import { unreachableError } from './unreachable.ts';
import { requestedWait } from './waits.ts';
import type { WarmPage } from './warm-page.ts';

/** For fonts and images that start to load when everything else has loaded. After that it prints without them. */
const LATE_RESOURCES_TIMEOUT_MS = 5_000;
/**
 * A late style sheet may request another one, and that one images: each is a round of its own. Only a script that keeps
 * loading needs more rounds than these, and it never stops.
 */
const MAX_LATE_ROUNDS = 10;
const IDLE_MS = 500;
/** Characters: scripts of the document can put words into it. */
const MAX_PROBLEM = 500;

/** Settles when the document's fonts are loaded, with those that it asked for. */
const FONTS_READY = `{
  const asked = () => ${ASKED_FONTS};
  document.fonts.status === "loaded" ? asked() : document.fonts.ready.then(asked);
}`;
/** Fonts and images are requested at layout, so this does the layout first. */
const LAID_OUT_WITH_FONTS = `document.documentElement?.offsetHeight; ${FONTS_READY}`;
/** The same when all fonts are loaded, whether or not they are wanted yet: print is laid out anew, and waits for none. */
const ALL_FONTS_LOADED = `{
  const asked = () => ${ASKED_FONTS};
  document.documentElement?.offsetHeight;
  Promise.all([...document.fonts].map((font) => font.load().catch(() => undefined))).then(() => document.fonts.ready).then(asked);
}`;
/** A picture may show what the viewport does not. For print the browser does the same by itself. */
const LOAD_ALL = `for (const element of document.querySelectorAll('[loading="lazy"]')) element.loading = 'eager'`;
/** Frames, and images with another source for print, follow a change of the media type at the next animation frame. */
const NEEDS_ANIMATION_FRAME = 'document.querySelector("source[media], iframe, frame, object") !== null';
/** Long enough for several animation frames. */
const ANIMATION_FRAMES_MS = 50;

/** Loads the document into the page. @throws CodedError, DeadlineExceeded */
export async function loadDocument(warm: WarmPage, request: Printable, patience: Patience): Promise<void> {
  const { timeout } = request.gotoOptions;
  const limit = timeout ? patience.within(timeout) : patience.deadline;
  const step = `loading until ${waitsFor(request).join(' and ')}`;
  warm.navigation.begin();
  const { content, ownOrigin } = request;
  const isElsewhere = ownOrigin !== undefined && !ownOrigin.isBase;
  if (warm.mayRunScripts || isElsewhere) await warm.navigation.listen();
  const isThere = () => ('html' in content && (!ownOrigin || ownOrigin.isBase)) || warm.navigation.count > 0;
  await patience.attempt(() => load(warm, request, limit, step), isThere);
}

async function load(warm: WarmPage, request: Printable, limit: Deadline, step: string): Promise<void> {
  const { content, ownOrigin } = request;
  if (ownOrigin && !ownOrigin.isBase) await limit.race(step, enter(warm, request, ownOrigin));
  else if ('html' in content && content.html !== undefined) {
    const html = ownOrigin ? withBase(content.html, ownOrigin.origin) : content.html;
    await limit.race(step, setContent(warm, request, html ?? content.html));
  } else if ('url' in content) await goto(warm, request, content.url, (work) => limit.race(step, work));
  else throw new Error('files need an origin, which a page without a jail does not have');
}

const waitsFor = ({ gotoOptions }: Printable) => [gotoOptions.waitUntil].flat();

const eventOf = (request: Printable) =>
  waitsFor(request).every((event) => event === 'domcontentloaded') ? 'domcontentloaded' : 'load';

/** Waits for `networkidle0` or `networkidle2`, if the request asks for it. */
async function quietNetwork({ watch }: WarmPage, request: Printable): Promise<void> {
  const events = waitsFor(request);
  const requests = events.includes('networkidle0') ? 0 : events.includes('networkidle2') ? 2 : undefined;
  if (requests !== undefined) await watch.quiet(requests, IDLE_MS);
}

/** Without a navigation, which would cost more than most documents do. */
async function setContent(warm: WarmPage, request: Printable, html: string): Promise<void> {
  const { page, session, frameId } = warm.tab;
  const isLoaded = Promise.withResolvers<void>();
  page.once(eventOf(request), () => isLoaded.resolve());
  // A byte order mark would count as text before the doctype, which would then be ignored.
  const send = (text: string) => session.send('Page.setDocumentContent', { frameId, html: text });
  await withLargeText(html.replace(/^\uFEFF/, ''), send);
  await (warm.mayRunScripts ? Promise.race([isLoaded.promise, hasStopped(warm)]) : isLoaded.promise);
  await quietNetwork(warm, request);
}

/** Resolves when the document has stopped its own loading with `window.stop()`, for which there is no event. */
async function hasStopped({ tab: { session }, watch }: WarmPage): Promise<void> {
  await watch.quiet(0, IDLE_MS);
  await session.send('Runtime.evaluate', { expression: '0' }); // answered when no script runs
}

/** Without an entry in the history that leads back to the empty page. */
async function enter(warm: WarmPage, request: Printable, { url }: ServedOrigin): Promise<void> {
  const { navigation, tab } = warm;
  await Promise.all([
    navigation.moved(),
    tab.session.send('Page.resetNavigationHistory'),
    tab.session.send('Runtime.evaluate', { expression: `location.replace(${JSON.stringify(url)})` }),
  ]);
  await navigation.settled(eventOf(request));
  // Nobody but us answers there, so that is not the document's fault.
  if (navigation.count === 1 && navigation.last?.unreachableUrl !== undefined)
    throw new Error('the origin of the document was not reached');
  await quietNetwork(warm, request);
}

async function goto(
  warm: WarmPage,
  request: Printable,
  url: string,
  within: <T>(work: Promise<T>) => Promise<T>,
): Promise<void> {
  const { channel, tab } = warm;
  const problem = urlProblem(url); // checked again after submit, since the queue is not trusted more than the caller
  if (problem) throw new CodedError('navigation_failed', `url: ${problem}`);
  try {
    const { waitUntil } = request.gotoOptions;
    await within(tab.page.goto(url, { waitUntil, timeout: 0 }));
  } catch (error) {
    const reason = networkErrorOf(error);
    const unreachable = reason === undefined ? undefined : channel?.unreachable(url);
    if (unreachable) throw unreachableError(url, unreachable);
    if (reason)
      throw new CodedError('navigation_failed', `${shownUrl(url)} could not be loaded: ${reason}`, { cause: error });
    throw error;
  }
}

/** @throws CodedError if the page has navigated to something that must not be printed */
function checkDestination(
  { navigation, channel, watch }: WarmPage,
  { failOnStatus, ownOrigin }: Printable,
  { isIncomplete }: Patience,
): void {
  const { url = '', unreachableUrl, response } = navigation.last ?? {};
  const at = response?.url() ?? unreachableUrl;
  const unreachable = at === undefined ? undefined : channel?.unreachable(at);
  if (at !== undefined && unreachable) throw unreachableError(at, unreachable);
  const failed = (message: string) => new CodedError('navigation_failed', message);
  if (unreachableUrl !== undefined)
    throw failed(`${watch.shown(unreachableUrl)}, to which the document navigated, could not be loaded`);
  if (url.startsWith('about:blank'))
    throw failed('the document reloaded itself or went back, which leads to an empty page (about:blank)');
  // Without this check a partial document would be printed as if it were complete.
  const failure = response?.request().failure();
  // By window.stop(), or by us.
  const isStopped = isIncomplete || (failure?.errorText === 'net::ERR_ABORTED' && at === ownOrigin?.url);
  if (failure && !isStopped)
    throw failed(`${watch.shown(at ?? url)} was cut off: ${failure.errorText.replace('net::', '')}`);
  if (!response) return;
  const isOurs = ownOrigin?.url === response.url() && response.status() < 400; // it is our own answer then
  if (!isOurs && statusFails(failOnStatus, response.status()))
    throw new CodedError(
      'document_status',
      `${watch.shown(response.url())} answered ${response.status()}${watch.headersHint(response.url(), response.status())}; to print it anyway, set failOnStatus to ${failOnStatus === true ? 'false' : 'other statuses'}`,
    );
}

/**
 * Calls `print` when the document is ready. If it navigates before that, the new document is loaded, checked and
 * waited for in the same way, each time.
 * @param during wraps the work of waiting
 * @throws CodedError, DeadlineExceeded
 */
export async function printWhenReady<T>(
  warm: WarmPage,
  request: Printable,
  { deadline, patience }: { deadline: Deadline; patience: Patience },
  { during, print }: { during: <R>(work: () => Promise<R>) => Promise<R>; print: () => Promise<T> },
): Promise<T> {
  const { navigation } = warm;
  const waitAsRequested = requestedWait(warm, request, patience);
  for (;;) {
    const { count } = navigation;
    const hasMoved = () => !patience.isOver && (navigation.isNavigating || navigation.count !== count);
    try {
      await during(async () => {
        if (count > 0) checkDestination(warm, request, patience);
        await Promise.race([waitAsRequested(hasMoved), navigation.moved()]);
        if (!hasMoved()) await arrange(warm, request, deadline);
        if (!hasMoved()) await waitForLateResources(warm, request, deadline);
        if (!hasMoved()) await noteRelativeAddresses(warm, request, deadline);
      });
      if (!hasMoved()) return await print();
    } catch (error) {
      if (error instanceof CodedError || error instanceof DeadlineExceeded) throw error;
      if (!hasMoved() && !isBrowserError(error, 'navigated away')) throw error;
    }
    const follow = async (step: string, work: Promise<void>) =>
      patience.attempt(() => patience.deadline.race(step, work));
    await follow('following the navigation of the document', navigation.settled(eventOf(request)));
    if (!request.emulateMediaType) await warm.setMedia('browser');
    await follow('a quiet network', quietNetwork(warm, request));
  }
}

/** @throws CodedError for what it finds wrong */
async function arrange({ tab }: WarmPage, { content }: Printable, deadline: Deadline): Promise<void> {
  if (!('html' in content) || content.html === undefined || content.arrange === undefined) return;
  const evaluation = { expression: content.arrange, awaitPromise: true, returnByValue: true };
  const evaluating = tab.session.send('Runtime.evaluate', evaluation);
  const { result, exceptionDetails } = await deadline.race('arranging the copies of a layer', evaluating);
  const problem: unknown = exceptionDetails ? exceptionDetails.text : result.value;
  if (typeof problem === 'string') throw new CodedError('finishing_invalid', problem.slice(0, MAX_PROBLEM));
}

/** Waits for fonts and images that a script or the print styles request after everything else has loaded. */
async function waitForLateResources(warm: WarmPage, request: Printable, deadline: Deadline): Promise<void> {
  const { tab, watch, mayRunScripts } = warm;
  const { session } = tab;
  const limit = deadline.within(LATE_RESOURCES_TIMEOUT_MS);
  if (mayRunScripts && request.picture) await session.send('Runtime.evaluate', { expression: LOAD_ALL });
  else if (mayRunScripts && !request.emulateMediaType && !request.isHtmlWanted) {
    await warm.setMedia('print');
    const { result } = await session.send('Runtime.evaluate', { expression: NEEDS_ANIMATION_FRAME });
    if (result.value === true) await sleep(ANIMATION_FRAMES_MS, undefined, { ref: false });
  }
  const expression = mayRunScripts ? LAID_OUT_WITH_FONTS : request.fonts ? ALL_FONTS_LOADED : FONTS_READY;
  try {
    for (let round = 1; round <= MAX_LATE_ROUNDS; round++) {
      const evaluation = { expression, awaitPromise: true, returnByValue: true };
      const { result } = await limit.race('loading fonts', session.send('Runtime.evaluate', evaluation));
      watch.askedFonts = askedFonts(result.value);
      if (request.fonts) await limit.race('loading fonts', watch.ends(watch.loadingEmbedded())); // reported later
      if (!mayRunScripts || eventOf(request) === 'domcontentloaded') return;
      const requests = watch.loading();
      if (requests.length === 0) return;
      await limit.race('loading fonts and images', watch.ends(requests));
    }
  } catch (error) {
    if (!(error instanceof DeadlineExceeded)) throw error;
    if (request.fonts && watch.loadingEmbedded().length > 0) throw new FontsLost();
  }
}

/** Records the resources of a document of `html` that have a relative URL: without other files they cannot load. */
async function noteRelativeAddresses(
  { tab, watch, navigation }: WarmPage,
  request: Printable,
  deadline: Deadline,
): Promise<void> {
  const { content, ownOrigin } = request;
  const isThere = ownOrigin ? ownOrigin.url === navigation.last?.url : navigation.count === 0;
  if (!('html' in content) || content.html === undefined || content.files || !isThere) return;
  if (!mayNeedBase(content.html) && !request.addStyleTag) return;
  const found = await deadline.race('searching for relative URLs', relativeAddresses(tab.session, ownOrigin?.origin));
  for (const { url, reason } of found) watch.failed(url, reason);
}
