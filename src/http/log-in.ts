import { hashKey } from '../accounts/key-format.ts';
import type { Principal, Principals } from '../accounts/principals.ts';
import { LoginFailures } from '../cache/login-failures.ts';
import { isPublicAddress } from '../egress/address.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Events } from '../telemetry/events.ts';
import { aboutOf, type AppContext } from './route.ts';

/** Keys cannot be guessed; this limits what attempts cost. */
const FAILURES = { max: 60, windowMs: 60_000 };

/** Finds the principal of a key. @throws CodedError `unauthenticated`, `too_many_failures` */
export type LogIn = (c: AppContext, key: string) => Promise<Principal>;

/** Used by the API and the console, so that their failures are counted together. */
export function openLogIn(principals: Principals, events: Events): LogIn {
  const failures = new LoginFailures(FAILURES);
  return async (c, key) => {
    const caller = callerAddress(c);
    const secret = hashKey(key).toString('base64');
    const waitMs = failures.waitMs(caller, secret);
    if (waitMs > 0)
      throw new CodedError(
        'too_many_failures',
        `Authorization: ${FAILURES.max} keys from this address were not valid within a minute; allowed: a valid key, later`,
        { retryAfterSeconds: Math.ceil(waitMs / 1_000) },
      );
    let principal: Principal;
    try {
      principal = await principals.find(key);
    } catch (error) {
      if (error instanceof CodedError && error.code === 'unauthenticated') {
        const about = { ...aboutOf(c), address: caller };
        events.loginFailed(about);
        if (failures.failed(caller) === FAILURES.max) events.loginsBlocked({ ...about, failures: FAILURES.max });
      }
      throw error;
    }
    failures.succeeded(secret);
    return principal;
  };
}

/** The client's address. A peer in a private network is a proxy of the operator: the last address that it names. */
export function callerAddress(c: AppContext): string {
  const peer = (c.env.incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const forwarded = isPublicAddress(peer) ? undefined : c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim();
  return forwarded ?? peer;
}
