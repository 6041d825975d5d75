import type { MiddlewareHandler } from 'hono';
import type { Principals } from '../../accounts/principals.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { LogIn } from '../log-in.ts';
import type { AppContext, AppEnv } from '../route.ts';

interface CallerDeps {
  logIn: LogIn;
  principals: Principals;
  /** the email of the user whose requests without a key are; undefined: a key is required */
  user: string | undefined;
  /** of the header `WWW-Authenticate` if a key is missing or not valid */
  challenge: string;
}

/**
 * Finds out who calls a route of another service, in the ways in which its clients say it: `Authorization: Bearer KEY`,
 * Basic with the key as password (or as user name without one), `X-Api-Key`, `?token=`.
 */
export function authenticateCaller({ logIn, principals, user, challenge }: CallerDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    try {
      const sent = keyOf(c);
      if (sent?.isSentByBrowsers !== false) refuseOtherSites(c);
      const principal = sent ? await logIn(c, sent.key) : await principals.ofUser(user);
      if (!principal.scopes.includes('jobs:write'))
        throw new CodedError('missing_scope', 'Authorization: this needs a key with the scope jobs:write');
      c.set('principal', principal);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'unauthenticated') throw error;
      throw new CodedError(error.code, error.message, { headers: { 'WWW-Authenticate': challenge } });
    }
    await next();
  };
}

/**
 * The key of a request, valid or not; undefined: it has none.
 * @throws CodedError `unauthenticated` for a header that says it in another way
 */
function keyOf(c: AppContext): { key: string; isSentByBrowsers: boolean } | undefined {
  const authorization = c.req.header('authorization');
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return { key: credentials, isSentByBrowsers: false };
  if (scheme !== '') {
    const [name = '', ...password] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
    return { key: password.join(':') || name, isSentByBrowsers: true };
  }
  if (authorization !== undefined)
    throw new CodedError('unauthenticated', 'Authorization: allowed: Bearer KEY, or Basic with the key as password');
  const key = c.req.header('x-api-key') ?? (c.req.query('token') || undefined);
  return key === undefined ? undefined : { key, isSentByBrowsers: false };
}

/**
 * A page of another site can make a browser send a form, with the key that the browser has kept, or where none is needed.
 * @throws CodedError `unauthenticated`
 */
function refuseOtherSites(c: AppContext): void {
  if (c.req.header('sec-fetch-site') === 'cross-site')
    throw new CodedError(
      'unauthenticated',
      'Sec-Fetch-Site: it comes from a page of another site; allowed: a key as Authorization: Bearer or X-Api-Key',
    );
}
