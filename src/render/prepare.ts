import type { Cookie, CookieData, Page } from 'puppeteer';
import { canonicalTimezone, wantedLocale } from '../domain/locale.ts';
import { needsFrames } from './needs-frames.ts';
import type { Printable } from './printable.ts';
import { applyRules, hasRules } from './request-rules.ts';
import { NO_FEATURES, type WarmPage } from './warm-page.ts';

const urlOf = ({ content }: Printable) => ('url' in content ? content.url : undefined);

/** Applies the request's settings to the page. */
export async function preparePage(warm: WarmPage, request: Printable): Promise<void> {
  const { page, context } = warm.tab;
  const { isStatic: isJustLayout, ownOrigin, fonts } = request;
  if (!isJustLayout) warm.mark('scripts');
  const served = ownOrigin ?? fonts?.origin;
  if (served) await warm.expect(served);
  await warm.draw(needsFrames(request));
  await allowScripts(page, request.setJavaScriptEnabled && !isJustLayout);
  if (request.viewport) {
    warm.mark('origin');
    await page.setViewport(request.viewport);
  }
  if (request.userAgent !== undefined) {
    warm.mark('origin');
    await page.setUserAgent({ userAgent: request.userAgent });
  }
  if (hasRules(request)) {
    warm.mark('origin');
    const isDocument = (url: string) => (ownOrigin ? url === ownOrigin.url : urlOf(request) !== undefined);
    await applyRules(warm, request, { url: urlOf(request), isDocument });
  }
  if (!isJustLayout && (request.addStyleTag ?? request.addScriptTag)) {
    warm.mark('policy');
    await page.setBypassCSP(true); // the document's policy is not about what the request adds
  }
  // A script may depend on the screen's layout, a static document cannot.
  const media = request.emulateMediaType ?? (isJustLayout && !request.picture ? 'print' : 'browser');
  await warm.setMedia(media, request.emulateMediaFeatures ?? NO_FEATURES);
  const locale = wantedLocale(request);
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
    await context.setCookie(...request.cookies.map((cookie) => cookieData(cookie, ownOrigin?.url ?? urlOf(request))));
  }
}

/** Whether scripts run in a page, as it was set last. It stays so when the page goes elsewhere. */
const allowsScripts = new WeakMap<Page, boolean>();

async function allowScripts(page: Page, isAllowed: boolean): Promise<void> {
  if (allowsScripts.get(page) === isAllowed) return;
  allowsScripts.delete(page); // unknown until it is done
  await page.setJavaScriptEnabled(isAllowed);
  allowsScripts.set(page, isAllowed);
}

function cookieData(cookie: NonNullable<Printable['cookies']>[number], documentUrl: string | undefined): CookieData {
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
