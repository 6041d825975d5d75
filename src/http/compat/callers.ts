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
      const key = keyOf(c);
      const principal = key === undefined ? await principals.ofUser(user) : await logIn(c, key);
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

/** The key of a request, valid or not. */
function keyOf(c: AppContext): string | undefined {
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme !== '') {
    const [name = '', ...password] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
    return password.join(':') || name;
  }
  return c.req.header('x-api-key') ?? (c.req.query('token') || undefined);
}
