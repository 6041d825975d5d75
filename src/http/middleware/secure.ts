import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { AppEnv } from '../route.ts';

/** For answers that are not pages. PDFs get none: it would break the browser's viewer. */
const NOT_A_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const headers = secureHeaders({
  crossOriginResourcePolicy: 'same-origin',
  referrerPolicy: 'no-referrer',
  xFrameOptions: 'DENY',
  // HSTS is left to the proxy that ends TLS.
  strictTransportSecurity: false,
});

/** Headers that a route may set itself. */
const OWN = ['referrer-policy', 'x-frame-options'];

/** Security headers on every answer. Pages set their own Content-Security-Policy. */
export function secure(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    let own: [string, string | null][] = [];
    await headers(c, async () => {
      await next();
      own = OWN.map((name) => [name, c.res.headers.get(name)]);
    });
    for (const [name, value] of own) if (value !== null) c.header(name, value);
    const isPdf = c.res.headers.get('content-type') === 'application/pdf';
    if (!isPdf && !c.res.headers.has('content-security-policy')) c.header('Content-Security-Policy', NOT_A_PAGE);
  };
}
