import type { MiddlewareHandler } from 'hono';
import { answered } from '../answered.ts';
import type { AppEnv } from '../route.ts';

/**
 * Limits how many requests of a tenant are in progress, until their answers are sent, and how many begin at once.
 * After authentication.
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
