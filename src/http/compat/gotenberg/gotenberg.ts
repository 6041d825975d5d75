import { Hono } from 'hono';
import { FORM_ROUTES } from '../../../compat/gotenberg/routes.ts';
import { CodedError } from '../../../kernel/errors.ts';
import type { LogIn } from '../../log-in.ts';
import { countRequests } from '../../middleware/count-requests.ts';
import { toCodedError } from '../../problem.ts';
import { aboutOf, type AppDeps, type AppEnv } from '../../route.ts';
import { authenticateCaller } from '../callers.ts';
import { answerForm } from './answer-form.ts';
import { otherPages } from './other-pages.ts';
import { TEXT, textResponse } from './text-response.ts';
import { nameTrace } from './trace.ts';

/** Routes of Gotenberg that turn office documents into PDFs, which needs a program that is not here. */
const OFFICE = '/forms/libreoffice/convert';
const NO_OFFICE =
  'files: office documents are not converted here; allowed: HTML, Markdown and PDF. Convert them to PDF first, for example with `soffice --headless --convert-to pdf`, or keep a Gotenberg for this route';

/**
 * The routes of Gotenberg 8 over our queue: the same paths, forms, headers and statuses. Each request is one job, and is
 * answered with its file. Errors are plain text.
 */
export function createGotenberg(deps: AppDeps & { logIn: LogIn }): Hono<AppEnv> {
  const { logIn, principals, events, compat } = deps;
  const app = new Hono<AppEnv>();
  app.onError((error, c) => {
    const coded = toCodedError(error);
    if (coded.code === 'internal') events.requestCrashed(aboutOf(c), error);
    return textResponse(coded);
  });
  const challenge = 'Basic realm="pdfprompt"';
  const authenticate = authenticateCaller({ logIn, principals, user: compat.user, challenge });
  otherPages(app, { ...deps, authenticate });

  const forms = new Set<string>([OFFICE, ...FORM_ROUTES.map(({ path }) => path)]);
  app.use('/forms/*', nameTrace());
  app.use('/forms/*', async (c, next) => {
    const path = c.req.path.slice(0, 200);
    if (!forms.has(path)) throw new CodedError('not_found', `there is nothing at ${path}`);
    const headers = { Allow: 'POST' };
    if (c.req.method !== 'POST')
      throw new CodedError('method_not_allowed', `${c.req.method} is not allowed here; allowed: POST`, { headers });
    await next();
  });
  const guards = [authenticate, countRequests()];
  app.on(
    ['POST'],
    [OFFICE],
    ...guards,
    () => new Response(NO_OFFICE, { status: 501, headers: { 'Content-Type': TEXT } }),
  );
  for (const route of FORM_ROUTES) app.on(['POST'], [route.path], ...guards, (c) => answerForm(c, deps, route));
  return app;
}
