import { setTimeout as sleep } from 'node:timers/promises';
import type { Cookie, CookieData, HTTPResponse, Page } from 'puppeteer';
import { type PdfRequest, urlProblem } from '../domain/pdf-request.ts';
import { type Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import { sendExtraHeaders } from './extra-headers.ts';
import { isInert } from './inert.ts';
import { unreachableError } from './unreachable.ts';
import type { WarmPage } from './warm-page.ts';

/** Milliseconds for web fonts that are still on their way when all else has loaded; then it prints without. */
const FONTS_TIMEOUT_MS = 5_000;
const SELECTOR_TIMEOUT_MS = 30_000;
const IDLE_MS = 500;

/** Settles when the document's fonts are there; quick when they are. */
const FONTS_READY = 'document.fonts.status === "loaded" || document.fonts.ready.then(() => true)';

/** Whatever the request asks of the page itself. What a page has by default is left as it is. */
export async function preparePage(warm: WarmPage, request: PdfRequest): Promise<void> {
  const { page, context, session } = warm;
  const isJustLayout = request.html !== undefined && isInert(request.html);
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
  if (request.emulateMediaType) {
    warm.mark('media');
    await page.emulateMediaType(request.emulateMediaType);
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
  const waitUntil = [request.gotoOptions.waitUntil].flat();
  const limit = timeout ? deadline.within(timeout) : deadline;
  const step = `loading until ${waitUntil.join(' and ')}`;
  if (request.html !== undefined) await limit.race(step, setContent(warm, request.html, waitUntil));
  else await goto(warm, request, (work) => limit.race(step, work));
}

type WaitUntil = Extract<PdfRequest['gotoOptions']['waitUntil'], string>;

/** In the page as it is, without a navigation, which would cost more than most documents. */
async function setContent(
  { page, session, frameId, watch }: WarmPage,
  html: string,
  waitUntil: WaitUntil[],
): Promise<void> {
  const isLoaded = Promise.withResolvers<void>();
  const event = waitUntil.includes('domcontentloaded') && waitUntil.length === 1 ? 'domcontentloaded' : 'load';
  page.once(event, () => isLoaded.resolve());
  await session.send('Page.setDocumentContent', { frameId, html });
  await isLoaded.promise;
  const concurrency = waitUntil.includes('networkidle0') ? 0 : waitUntil.includes('networkidle2') ? 2 : undefined;
  if (concurrency !== undefined) await watch.quiet(concurrency, IDLE_MS);
}

async function goto(warm: WarmPage, request: PdfRequest, within: <T>(work: Promise<T>) => Promise<T>): Promise<void> {
  const { page, channel } = warm;
  const url = request.url ?? '';
  const problem = urlProblem(url); // checked at submit too; the queue is not to be trusted more than the caller
  if (problem) throw new CodedError('navigation_failed', `url: ${problem}`);
  await within(warm.followProcesses());
  let response: HTTPResponse | null;
  try {
    const { waitUntil } = request.gotoOptions;
    response = await within(page.goto(url, { waitUntil, timeout: 0 }));
  } catch (error) {
    const reason = /net::(ERR_[A-Z_]+)/.exec(messageOf(error))?.[1];
    const unreachable = reason === undefined ? undefined : channel?.unreachable(url);
    if (unreachable) throw unreachableError(url, unreachable);
    if (reason) throw new CodedError('navigation_failed', `${url} could not be loaded: ${reason}`, { cause: error });
    throw error;
  }
  const unreachable = response ? channel?.unreachable(response.url()) : undefined;
  if (response && unreachable) throw unreachableError(response.url(), unreachable);
  // What came of it would be printed as if it were the whole.
  const failure = response?.request().failure();
  if (failure)
    throw new CodedError('navigation_failed', `${url} was cut off: ${failure.errorText.replace('net::', '')}`);
  if (request.failOnStatus && response && response.status() >= 400) {
    throw new CodedError(
      'document_status',
      `${url} answered ${warm.watch.describeStatus(response.url(), response.status())}; to print it all the same, set failOnStatus to false`,
    );
  }
}

/** Waits for what the request names, and for the document's fonts. @throws CodedError, DeadlineExceeded */
export async function waitUntilReady(warm: WarmPage, request: PdfRequest, deadline: Deadline): Promise<void> {
  if (request.waitForSelector) await waitForSelector(warm.page, request.waitForSelector, deadline);
  if (request.waitForTimeout)
    await deadline.race('waitForTimeout', sleep(request.waitForTimeout, undefined, { ref: false }));
  await deadline
    .within(FONTS_TIMEOUT_MS)
    .race('loading fonts', warm.session.send('Runtime.evaluate', { expression: FONTS_READY, awaitPromise: true }))
    .catch((error: unknown) => {
      if (!(error instanceof DeadlineExceeded)) throw error;
    });
}

async function waitForSelector(
  page: Page,
  { selector, timeout, visible = false, hidden = false }: NonNullable<PdfRequest['waitForSelector']>,
  deadline: Deadline,
): Promise<void> {
  const limit = deadline.within(timeout ? timeout : SELECTOR_TIMEOUT_MS);
  try {
    // waitForSelector would wait for a selector that can never match; asking once says so.
    await limit.race(`waitForSelector ${selector}`, page.$(selector));
    await limit.race(`waitForSelector ${selector}`, page.waitForSelector(selector, { visible, hidden, timeout: 0 }));
  } catch (error) {
    if (error instanceof DeadlineExceeded)
      throw new CodedError(
        'selector_not_found',
        `waitForSelector.selector: ${JSON.stringify(selector)} did not ${hidden ? 'disappear' : 'appear'} within ${error.limitMs} ms`,
      );
    if (/is not a valid selector|not a valid XPath|SyntaxError/i.test(messageOf(error)))
      throw new CodedError(
        'selector_not_found',
        `waitForSelector.selector: ${JSON.stringify(selector)} is not a valid selector`,
        { cause: error },
      );
    throw error;
  }
}
