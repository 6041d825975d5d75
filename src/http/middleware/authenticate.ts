import type { MiddlewareHandler } from 'hono';
import { CodedError } from '../../kernel/errors.ts';
import type { LogIn } from '../log-in.ts';
import type { AppEnv } from '../route.ts';

/** `Authorization: Bearer pdf_…` → `c.var.principal`, before anything of the body is read. */
export function authenticate(logIn: LogIn): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (bearer === undefined)
      throw new CodedError('unauthenticated', 'Authorization: an API key is required; allowed: Bearer pdf_…');
    c.set('principal', await logIn(c, bearer));
    await next();
  };
}
