import type { CDPSession } from 'puppeteer';
import { headerOrigins } from '../domain/extra-headers.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';

type Headers = Record<string, string>;

/**
 * Adds `setExtraHTTPHeaders` to the page's requests, but only to the allowed origins. Each request is paused for that,
 * also each redirect, which costs a round trip to the browser. Requests that cannot be paused never get the headers:
 * WebSocket handshakes, and those of shared and nested workers. A preflight does not list them.
 * @param documentUrl if the document has one
 * @returns whether the headers go to a URL
 */
export async function sendExtraHeaders(
  session: CDPSession,
  { setExtraHTTPHeaders: headers = {}, extraHTTPHeadersTo }: PrintSettings,
  documentUrl: string | undefined,
): Promise<(url: string) => boolean> {
  const origins = headerOrigins({ url: documentUrl, extraHTTPHeadersTo });
  const goTo = (url: string) => origins === 'all' || (URL.canParse(url) && origins.has(new URL(url).origin));
  if (origins === 'all' || origins.size > 0) await interceptRequests(session, headers, goTo);
  return goTo;
}

async function interceptRequests(session: CDPSession, headers: Headers, goTo: (url: string) => boolean): Promise<void> {
  session.on('Fetch.requestPaused', ({ requestId, request, redirectedRequestId }) => {
    // A redirected request still has the headers that were added to the request before.
    const own = redirectedRequestId === undefined ? request.headers : without(request.headers, headers);
    const sent = goTo(request.url) ? { ...without(own, headers), ...headers } : own;
    const continued = { requestId, headers: Object.entries(sent).map(([name, value]) => ({ name, value })) };
    session
      .send('Fetch.continueRequest', continued)
      .catch(() => session.send('Fetch.failRequest', { requestId, errorReason: 'Failed' }))
      .catch(() => undefined); // the page is closed
  });
  // A frame of another site may have its own process and session.
  session.on('sessionattached', (frame) => {
    interceptRequests(frame, headers, goTo)
      .catch(() => undefined) // the frame is gone
      .then(() => frame.send('Runtime.runIfWaitingForDebugger'))
      .catch(() => undefined);
  });
  await Promise.all([
    session.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }),
    session.send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: true,
      flatten: true,
      filter: [{ type: 'iframe' }],
    }),
  ]);
}

function without(sent: Headers, removed: Headers): Headers {
  const names = new Set(Object.keys(removed).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(sent).filter(([name]) => !names.has(name.toLowerCase())));
}
