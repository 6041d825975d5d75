import type { CDPSession, HTTPRequest, Protocol } from 'puppeteer';
import { addedHeaders } from '../domain/extra-headers.ts';
import { REJECTED_TYPES, type RejectedType } from '../domain/page-fields.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { urlMatcher } from '../domain/url-pattern.ts';
import type { WarmPage } from './warm-page.ts';

type Headers = Record<string, string>;
type Paused = Protocol.Fetch.RequestPausedEvent;

/** What is done to the requests of a document. */
interface Rules {
  /** where requests are paused */
  patterns: Protocol.Fetch.RequestPattern[];
  /** what is added to a request for a URL */
  headersTo: (url: string) => Headers;
  /** of every header that may be added */
  names: readonly string[];
  /** notes it if so */
  rejects: (paused: Paused) => boolean;
  credentials: { origin: string; username: string; password: string } | undefined;
}

interface DocumentAt {
  /** of the document, if it has one that others know */
  url: string | undefined;
  /** whether a URL of the page is the document's own one */
  isDocument: (url: string) => boolean;
}

/** Whether requests have to be paused for these settings, which costs a round trip to the browser for each. */
export function hasRules(settings: PrintSettings): boolean {
  const { setExtraHTTPHeaders, rejectResourceTypes, rejectRequestPattern, authenticate } = settings;
  return [setExtraHTTPHeaders, rejectResourceTypes, rejectRequestPattern, authenticate].some(Boolean);
}

/**
 * Applies the settings about a document's requests:
 * - `setExtraHTTPHeaders` are added, but only to the allowed origins or URLs. A preflight does not list them.
 * - what `rejectResourceTypes` and `rejectRequestPattern` name is not sent, except for the document itself
 * - `authenticate` answers the origin of `url` when it asks, once for each request
 *
 * Each redirect is judged anew. Some requests cannot be paused: WebSocket handshakes, and those of shared and service
 * workers. They never get the headers, and where something is rejected such workers do not run.
 */
export async function applyRules({ tab, watch }: WarmPage, settings: PrintSettings, at: DocumentAt): Promise<void> {
  const { authenticate } = settings;
  const added = addedHeaders({ ...settings, url: at.url });
  const headersTo = added?.to ?? (() => ({}));
  if (added?.areForOrigins !== false && settings.setExtraHTTPHeaders)
    watch.headersGoTo = (url) => Object.keys(headersTo(url)).length > 0;
  const rejection = rejectionOf(settings);
  const credentials =
    authenticate && at.url !== undefined ? { ...authenticate, origin: new URL(at.url).origin } : undefined;

  let documentId: string | undefined;
  const isDocument = ({ resourceType, frameId, networkId, request }: Paused) => {
    if (resourceType !== 'Document' || frameId !== tab.frameId) return false;
    if (at.isDocument(request.url)) documentId ??= networkId; // its redirects have the same id
    return documentId !== undefined && networkId === documentId;
  };
  const rejects = (paused: Paused) => {
    if (!rejection || isDocument(paused) || !rejection.rejects(paused.request.url, paused.resourceType)) return false;
    if (paused.networkId !== undefined) watch.rejected.add(paused.networkId);
    return true;
  };
  const patterns =
    added || rejection?.needsUrls
      ? [{ urlPattern: '*' }]
      : [
          ...(rejection?.types ?? []).map((resourceType) => ({ resourceType })),
          ...(credentials ? [{ urlPattern: `${credentials.origin}/*` }] : []),
        ];
  if (patterns.length === 0) return;
  if (rejection) {
    watch.rejects = (request) => rejection.rejectsRequest(request);
    await Promise.all([
      tab.page.setBypassServiceWorker(true),
      tab.session.send('Page.addScriptToEvaluateOnNewDocument', { source: 'delete globalThis.SharedWorker' }),
    ]);
  }
  await intercept(tab.session, { patterns, headersTo, names: added?.names ?? [], rejects, credentials });
}

/** What the settings reject; undefined if it is nothing. */
function rejectionOf({ rejectResourceTypes = [], rejectRequestPattern = [] }: PrintSettings) {
  if (rejectResourceTypes.length + rejectRequestPattern.length === 0) return undefined;
  const types = new Set<Protocol.Network.ResourceType>(rejectResourceTypes.flatMap((name) => REJECTED_TYPES[name]));
  const matches = urlMatcher(rejectRequestPattern);
  const rejects = (url: string, type: Protocol.Network.ResourceType) => types.has(type) || matches(url);
  return {
    types: [...types],
    needsUrls: rejectRequestPattern.length > 0,
    rejects,
    rejectsRequest: (request: HTTPRequest) => {
      const [type = 'Other'] = REJECTED_TYPES[request.resourceType() as RejectedType] ?? [];
      return rejects(request.url(), type);
    },
  };
}

async function intercept(session: CDPSession, rules: Rules): Promise<void> {
  const { patterns, headersTo, names, rejects, credentials } = rules;
  session.on('Fetch.requestPaused', (paused) => {
    const { requestId, request, redirectedRequestId, resourceType } = paused;
    if (rejects(paused)) {
      // A frame shows nothing then, instead of an error.
      const errorReason = resourceType === 'Document' ? 'Aborted' : 'BlockedByClient';
      session.send('Fetch.failRequest', { requestId, errorReason }).catch(() => undefined);
      return;
    }
    // A redirected request still has the headers that were added to the request before.
    const own = redirectedRequestId === undefined ? request.headers : without(request.headers, names);
    const headers = headersTo(request.url);
    const sent = { ...without(own, Object.keys(headers)), ...headers };
    const continued = { requestId, headers: Object.entries(sent).map(([name, value]) => ({ name, value })) };
    session
      .send('Fetch.continueRequest', continued)
      .catch(() => session.send('Fetch.failRequest', { requestId, errorReason: 'Failed' }))
      .catch(() => undefined); // the page is closed
  });
  const answered = new Set<string>();
  session.on('Fetch.authRequired', ({ requestId, authChallenge: { source, origin } }) => {
    const isOwn = credentials !== undefined && source !== 'Proxy' && origin === credentials.origin;
    const response = isOwn && !answered.has(requestId) ? 'ProvideCredentials' : 'CancelAuth';
    answered.add(requestId); // asked again, it did not accept them
    const { username = '', password = '' } = response === 'ProvideCredentials' ? (credentials ?? {}) : {};
    session
      .send('Fetch.continueWithAuth', {
        requestId,
        authChallengeResponse: { response, ...(response === 'ProvideCredentials' && { username, password }) },
      })
      .catch(() => undefined); // the page is closed
  });
  // A frame of another site may have its own process and session.
  session.on('sessionattached', (frame) => {
    intercept(frame, rules)
      .catch(() => undefined) // the frame is gone
      .then(() => frame.send('Runtime.runIfWaitingForDebugger'))
      .catch(() => undefined);
  });
  await Promise.all([
    session.send('Fetch.enable', { patterns, ...(credentials && { handleAuthRequests: true }) }),
    session.send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: true,
      flatten: true,
      filter: [{ type: 'iframe' }],
    }),
  ]);
}

function without(sent: Headers, removed: readonly string[]): Headers {
  const names = new Set(removed.map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(sent).filter(([name]) => !names.has(name.toLowerCase())));
}
