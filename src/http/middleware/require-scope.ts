import type { MiddlewareHandler } from 'hono';
import type { Scope } from '../../domain/scope.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { AppEnv } from '../route.ts';

/** Behind authentication: whoever it is, their key must have the scope. */
export function requireScope(scope: Scope): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { scopes } = c.var.principal;
    if (!scopes.includes(scope))
      throw new CodedError(
        'missing_scope',
        `Authorization: this needs a key with the scope ${scope}; the key has ${scopes.join(', ')}`,
      );
    await next();
  };
}
