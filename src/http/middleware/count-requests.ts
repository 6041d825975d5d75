import type { MiddlewareHandler } from 'hono';
import { answered } from '../answered.ts';
import type { AppContext, AppEnv } from '../route.ts';

/**
 * Limits how many requests of a tenant are in progress, until their answers are sent, and how many begin at once.
 * After authentication.
 */
export function countRequests(): MiddlewareHandler<AppEnv> {
  return (c, next) => counted(c, c.var.principal.userId, next);
}

/** Runs a request as one of this tenant. @throws CodedError `too_much_under_way` */
export async function counted<T>(
  c: AppContext,
  userId: string,
  work: () => Promise<T>,
  { isPublic = false } = {},
): Promise<T> {
  const { underWay } = c.var;
  const end = isPublic ? underWay.beginPublic(userId) : underWay.begin(userId);
  try {
    await underWay.pace(userId);
    return await work();
  } finally {
    void answered(c).then(end);
  }
}
