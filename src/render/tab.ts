import type { Browser, BrowserContext, CDPSession, Page } from 'puppeteer';
import { Deadline } from '../kernel/deadline.ts';
import { OWN_URL } from './resource-watch.ts';

/** A page in a browser context of its own. */
export interface Tab {
  context: BrowserContext;
  page: Page;
  /** for commands that puppeteer has no method for */
  session: CDPSession;
  /** of the main frame, which is also the id of the page */
  frameId: string;
  /** the known renderer processes that the page is or was in */
  pids: Set<number>;
}

/** Puppeteer's own default. */
export const DEFAULT_VIEWPORT = { width: 800, height: 600 };
/** Nothing else reports a renderer that dies or a browser that hangs while a page opens. */
const OPEN_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;

/**
 * A script may close a window without history, unless another window opened it. With an entry in the history,
 * `window.close()` in a document does nothing, and many documents for printing end with it. No script can remove the
 * entry, and going back leads to the same document.
 */
export const KEEP_OPEN = 'history.pushState(null, "")';
/** The same for a document at an origin of its own, before its scripts. */
export const KEEP_OPEN_THERE = `if (self === top && /\\.pdfprompt\\.internal$/.test(location.hostname)) ${KEEP_OPEN}`;

/** @param proxyServer its proxy; undefined where there is no jail */
export async function openTab(browser: Browser, proxyServer: string | undefined): Promise<Tab> {
  const opening = browser.createBrowserContext({
    downloadBehavior: { policy: 'deny' },
    ...(proxyServer !== undefined && { proxyServer, proxyBypassList: ['<-loopback>'] }),
  });
  const open = async (): Promise<Tab> => {
    const context = await opening;
    const page = await context.newPage();
    const [session] = await Promise.all([page.createCDPSession(), page.setViewport(DEFAULT_VIEWPORT)]);
    const [{ frameTree }, pids] = await Promise.all([session.send('Page.getFrameTree'), processOf(session)]);
    return { context, page, session, frameId: frameTree.frame.id, pids };
  };
  try {
    return await new Deadline(OPEN_TIMEOUT_MS).race('opening a page', open());
  } catch (error) {
    // The context may still come. If the browser hangs, the pool ends it with all its contexts.
    const closing = opening.then((context) => context.close());
    await new Deadline(CLOSE_TIMEOUT_MS).race('closing a page', closing).catch(() => undefined);
    throw error;
  }
}

/**
 * The process of a new page. The protocol cannot be asked for it, but a renderer prefixes the ids of its requests with
 * its process id ("1234.5"): the id the browser uses, also if the renderer is in a pid namespace.
 */
async function processOf(session: CDPSession): Promise<Set<number>> {
  const pids = new Set<number>();
  const listener = ({ requestId }: { requestId: string }) => addPid(pids, requestId);
  session.on('Network.requestWillBeSent', listener);
  const expression = `${KEEP_OPEN}; fetch('${OWN_URL}').then(() => true)`;
  await Promise.all([
    session.send('Network.enable'),
    session.send('Runtime.evaluate', { expression, awaitPromise: true }),
  ]);
  session.off('Network.requestWillBeSent', listener);
  await session.send('Network.disable');
  return pids;
}

/** Adds the process of a request. Requests of navigations come from the browser process and have other ids. */
export function addPid(pids: Set<number>, requestId: string): void {
  const pid = /^(\d+)\.\d+$/.exec(requestId)?.[1];
  if (pid !== undefined) pids.add(Number(pid));
}
