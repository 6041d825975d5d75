import type { MiddlewareHandler } from 'hono';
import { answered } from '../answered.ts';
import type { AppEnv } from '../route.ts';

/**
 * Behind authentication: so many requests of a tenant at a time, until they are done and their answers are
 * sent; and few of them begin together.
 */
export function countRequests(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { underWay, principal } = c.var;
    const end = underWay.begin(principal.userId);
    try {
      await underWay.pace(principal.userId);
      await next();
    } finally {
      void answered(c).then(end);
    }
  };
}
