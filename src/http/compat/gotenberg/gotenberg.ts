import { Hono } from 'hono';
import type { LogIn } from '../../log-in.ts';
import type { AppDeps, AppEnv } from '../../route.ts';

/** The version of Gotenberg whose routes these are. */
const VERSION = '8.36.0';

/** The routes of Gotenberg 8 over our queue: the same paths, forms, headers and statuses. Errors are plain text. */
export function createGotenberg(_deps: AppDeps & { logIn: LogIn }): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get('/version', (c) => c.text(VERSION));
  return app;
}
