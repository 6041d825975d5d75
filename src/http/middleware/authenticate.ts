import type { MiddlewareHandler } from 'hono';
import { allows, type Scope } from '../../domain/scope.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { LogIn } from '../log-in.ts';
import type { AppContext, AppEnv } from '../route.ts';

/** Sets `c.var.principal` from `Authorization: Bearer pdf_…`, before the body is read. The key must have the scope. */
export function authenticate(logIn: LogIn, scope: Scope): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const bearer = bearerOf(c);
    if (bearer === undefined)
      throw new CodedError('unauthenticated', 'Authorization: an API key is required; allowed: Bearer pdf_…');
    const principal = await logIn(c, bearer);
    c.set('principal', principal);
    const { scopes } = principal;
    if (!allows(scopes, scope))
      throw new CodedError(
        'missing_scope',
        `Authorization: this needs a key with the scope ${scope}; the key has ${scopes.join(', ')}`,
      );
    await next();
  };
}

/** The key of a request, valid or not. */
export const bearerOf = (c: AppContext) => /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
