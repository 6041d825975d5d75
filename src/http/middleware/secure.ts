import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { AppEnv } from '../route.ts';

/** What is no page may do nothing in a browser. PDFs are left to its viewer, which a policy would break. */
const NOT_A_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const headers = secureHeaders({
  crossOriginResourcePolicy: 'same-origin',
  referrerPolicy: 'no-referrer',
  xFrameOptions: 'DENY',
  // Whether there is TLS in front, and for how long, is for whoever put it there to say.
  strictTransportSecurity: false,
});

/** What a page may know better. */
const OWN = new Set(['referrer-policy', 'x-frame-options']);

/** Security headers on every answer. A page brings a Content-Security-Policy of its own. */
export function secure(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    let own: [string, string][] = [];
    await headers(c, async () => {
      await next();
      own = [...c.res.headers].filter(([name]) => OWN.has(name));
    });
    for (const [name, value] of own) c.header(name, value);
    const isPdf = c.res.headers.get('content-type') === 'application/pdf';
    if (!isPdf && !c.res.headers.has('content-security-policy')) c.header('Content-Security-Policy', NOT_A_PAGE);
  };
}
