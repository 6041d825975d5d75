import { randomBytes } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import { readLimitsInForce } from '../../accounts/user-limits.ts';
import type { Database } from '../../db/pools.ts';
import { templateNameProblem } from '../../domain/template-name.ts';
import { CodedError, ERROR_CODES } from '../../kernel/errors.ts';
import { findVersion } from '../../templates/read-templates.ts';
import { isSameOrigin, sessionFor, sessionOf, signedIn, STUDIO } from '../console/session.ts';
import { addSignIn, addSignOut } from '../console/sign-in.ts';
import { errorPage } from '../console/sign-in-page.ts';
import type { LogIn } from '../log-in.ts';
import { countRequests } from '../middleware/count-requests.ts';
import { problemResponse, statusOf, toCodedError } from '../problem.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv, type Operation } from '../route.ts';
import { studioAssets } from './assets.ts';
import { editorModules } from './editor-modules.ts';
import { missingTemplatePage, templatesPage } from './templates-page.ts';
import { workbenchPage } from './workbench-page.ts';

/** Operations of the API that the workbench uses, for the user of the session. */
const OPERATIONS: ReadonlySet<string> = new Set([
  'listTemplates',
  'getTemplate',
  'listTemplateVersions',
  'putTemplate',
  'deleteTemplate',
  'previewTemplate',
  'putAsset',
  'getAsset',
  'renderPdf',
  'getJob',
  'getJobPdf',
]);

/** The page may show PDFs in a frame; the editor writes its style sheet itself, with the nonce. */
const pagePolicy = (nonce: string) =>
  `default-src 'none'; style-src 'self' 'nonce-${nonce}'; script-src 'self' '${editorModules().hash}'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
const PDF_POLICY = "frame-ancestors 'self'";

const API = '/v1/';

/** The workbench below `/studio`: each user's own. */
export function createStudio(deps: AppDeps & { logIn: LogIn; operations: Operation[] }): Hono<AppEnv> {
  const { db, reads, events, logIn } = deps;
  const operations = deps.operations.filter(({ operationId }) => OPERATIONS.has(operationId));
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    const nonce = randomBytes(16).toString('base64');
    c.set('nonce', nonce);
    await next();
    const type = c.res.headers.get('content-type') ?? '';
    if (type.startsWith('text/html') && !isApi(c)) c.header('Content-Security-Policy', pagePolicy(nonce));
    if (type === 'application/pdf') {
      c.header('Content-Security-Policy', PDF_POLICY);
      c.header('X-Frame-Options', 'SAMEORIGIN');
    }
    // With no-referrer browsers send `Origin: null` with forms.
    c.header('Referrer-Policy', 'same-origin');
    // A browser that kept an answer of the API would show it to who signs in next.
    if (isApi(c) || !c.res.headers.get('cache-control')?.includes('immutable')) c.header('Cache-Control', 'no-store');
  });
  app.onError((error, c) => {
    const coded = toCodedError(error);
    if (coded.code === 'internal') events.requestCrashed(aboutOf(c), error);
    if (isApi(c)) return problemResponse(coded, c.var.requestId);
    if (coded.retryAfterSeconds !== undefined) c.header('Retry-After', String(coded.retryAfterSeconds));
    return c.html(errorPage(c, STUDIO, ERROR_CODES[coded.code].title, coded.message), statusOf(coded.code));
  });
  app.use(async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD' || isSameOrigin(c)) return next();
    return c.html(
      errorPage(c, STUDIO, 'Refused', 'This was not sent by a page of the studio, so nothing was done.'),
      403,
    );
  });

  app.get('/assets/:version/:name', (c) => studioAssets.send(c, c.req.param('version'), c.req.param('name')));
  app.get('/modules/:version/:name{.+}', (c) =>
    editorModules().files.send(c, c.req.param('version'), c.req.param('name')),
  );

  const visits = {
    db,
    logIn,
    place: STUDIO,
    onVisit: async (
      c: AppContext,
      what: 'signed in' | 'refused' | 'signed out',
      { userId, keyId }: { userId: string; keyId: string },
    ) => events.studioVisited({ what, requestId: c.var.requestId, userId, keyId }),
  };
  addSignIn(app, visits);

  app.use(`${API}*`, asSessionUser(db), countRequests());
  for (const { endpoint, handle } of operations) {
    const [method = '', path = ''] = endpoint.split(' ');
    app.on([method], [path.replaceAll(/\{(\w+)\}/g, ':$1')], handle);
  }
  app.all(`${API}*`, (c) => {
    throw new CodedError('not_found', `there is nothing at ${c.req.path.slice(0, 200)}`);
  });

  app.use(signedIn(db, STUDIO, { scripts: API }));
  addSignOut(app, visits);
  app.get('/', (c) => c.html(templatesPage(sessionOf(c))));
  app.get('/templates/:name', async (c) => {
    const name = c.req.param('name');
    if (templateNameProblem(name) !== undefined) throw new CodedError('not_found', 'there can be no such template');
    const session = sessionOf(c);
    const saved = await findVersion(reads, session.userId, { name, version: undefined });
    // The form for a new one says what it begins with. Another address may be mistyped.
    if (!saved && c.req.query('starter') === undefined) return c.html(missingTemplatePage(session, name), 404);
    return c.html(workbenchPage(session, { nonce: c.var.nonce ?? '', isSaved: saved !== undefined, name }));
  });
  app.all('/*', (c) => {
    throw new CodedError('not_found', `there is nothing at ${c.req.path.slice(0, 200)}`);
  });
  return app;
}

/**
 * The user of the session, as if the request had one of their keys. Operators may use their own studio whatever the
 * scopes of their key.
 */
function asSessionUser(db: Database): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const session = await sessionFor(c, db, STUDIO);
    const tier = session && (await readLimitsInForce(db, { id: session.userId }));
    if (!tier) throw new CodedError('unauthenticated', 'nobody is signed in: sign in again');
    const { userId, keyId, scopes } = session;
    c.set('principal', { userId, keyId, scopes, tier });
    await next();
  };
}

const isApi = (c: AppContext) => c.req.path.startsWith(`${STUDIO.path}${API}`);
