import type { CDPSession } from 'puppeteer';
import { headerOrigins } from '../domain/extra-headers.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';

type Headers = Record<string, string>;

/**
 * Sends a request's `setExtraHTTPHeaders` along, where they may go and nowhere else: each request of the page is
 * held, redirects one by one, and gets them or not. What is never held never gets them: WebSocket handshakes, and what
 * shared and nested workers ask for. Nor does a preflight tell of them.
 *
 * One more trip to the browser for each request.
 * @returns whether they go to an address
 */
export async function sendExtraHeaders(session: CDPSession, request: PdfRequest): Promise<(url: string) => boolean> {
  const headers = request.setExtraHTTPHeaders ?? {};
  const origins = headerOrigins(request);
  const goTo = (url: string) => origins === 'all' || (URL.canParse(url) && origins.has(new URL(url).origin));
  if (origins === 'all' || origins.size > 0) await holdRequests(session, headers, goTo);
  return goTo;
}

async function holdRequests(session: CDPSession, headers: Headers, goTo: (url: string) => boolean): Promise<void> {
  session.on('Fetch.requestPaused', ({ requestId, request, redirectedRequestId }) => {
    // What has been redirected still has what the request before it was given.
    const own = redirectedRequestId === undefined ? request.headers : without(request.headers, headers);
    const sent = goTo(request.url) ? { ...without(own, headers), ...headers } : own;
    const onward = { requestId, headers: Object.entries(sent).map(([name, value]) => ({ name, value })) };
    session
      .send('Fetch.continueRequest', onward)
      .catch(() => session.send('Fetch.failRequest', { requestId, errorReason: 'Failed' }))
      .catch(() => undefined); // the page has gone
  });
  // A frame of another site may be in a process of its own, with requests of its own.
  session.on('sessionattached', (frame) => {
    holdRequests(frame, headers, goTo)
      .catch(() => undefined) // the frame has gone
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

function without(sent: Headers, headers: Headers): Headers {
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(sent).filter(([name]) => !given.has(name.toLowerCase())));
}
