import { Hono } from 'hono';
import { NO_WEBSOCKET, REFUSED_ROUTES } from '../../../compat/browserless/refused.ts';
import type { Endpoint } from '../../../compat/browserless/translate-body.ts';
import { MOVING_PAGE } from '../../../domain/foreign-names.ts';
import { CodedError } from '../../../kernel/errors.ts';
import type { LogIn } from '../../log-in.ts';
import { countRequests } from '../../middleware/count-requests.ts';
import { toCodedError } from '../../problem.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv } from '../../route.ts';
import { authenticateCaller } from '../callers.ts';
import { answerError, type Dialect } from './answer-error.ts';
import { convert } from './convert.ts';

const ENDPOINTS: Endpoint[] = ['pdf', 'screenshot', 'content'];
/** Below which the routes are, and whose they are. */
const PLACES: { prefix: string; dialect: Dialect }[] = [
  { prefix: '', dialect: 'browserless' },
  { prefix: '/chrome', dialect: 'browserless' },
  { prefix: '/chromium', dialect: 'browserless' },
  { prefix: '/client/v4/accounts/:accountId/browser-rendering', dialect: 'cloudflare' },
];
/** Where browserless has WebSockets. */
const WEBSOCKETS = ['/', ...['/chrome', '/chromium', '/edge', '/firefox', '/webkit', '/playwright', '/devtools'].flatMap((path) => [path, `${path}/*`])]; // prettier-ignore

/** The routes of browserless, and of Cloudflare's Browser Rendering, over our queue. */
export function createBrowserless(deps: AppDeps & { logIn: LogIn }): Hono<AppEnv> {
  const { logIn, principals, compat, events } = deps;
  const app = new Hono<AppEnv>();
  const caller = authenticateCaller({ logIn, principals, user: compat.user, challenge: 'Bearer realm="pdfprompt"' });
  const counted = countRequests();
  app.onError((error, c) => {
    if (toCodedError(error).code === 'internal') events.requestCrashed(aboutOf(c), error);
    return answerError(c, dialectOf(c), error);
  });
  for (const path of WEBSOCKETS)
    app.get(path, (c, next) => {
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') return next();
      return Promise.resolve(c.text(`${NO_WEBSOCKET}\n`, 404));
    });
  for (const { prefix, dialect } of PLACES) {
    for (const endpoint of ENDPOINTS)
      for (const path of [`${prefix}/${endpoint}`, `${prefix}/${endpoint}/`]) {
        app.post(path, caller, counted, (c) => convert(c, deps, { endpoint, dialect }));
        app.all(path, (c) => answerError(c, dialect, wrongMethod(c)));
      }
    for (const [name, reason] of Object.entries(REFUSED_ROUTES))
      app.all(`${prefix}/${name}`, (c) => answerError(c, dialect, notHere(c, reason)));
  }
  return app;
}

const dialectOf = (c: AppContext): Dialect => (c.req.path.startsWith('/client/') ? 'cloudflare' : 'browserless');

function wrongMethod(c: AppContext): CodedError {
  return new CodedError('method_not_allowed', `${c.req.method} is not allowed here; allowed: POST, with JSON`, {
    headers: { Allow: 'POST' },
  });
}

function notHere(c: AppContext, reason: string): CodedError {
  return new CodedError(
    'not_found',
    `${c.req.path.slice(0, 200)} is not here: this service ${reason}. See ${MOVING_PAGE}`,
  );
}
