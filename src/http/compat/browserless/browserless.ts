import { Hono } from 'hono';
import type { LogIn } from '../../log-in.ts';
import type { AppDeps, AppEnv } from '../../route.ts';

/** The routes of browserless, and of Cloudflare's Browser Rendering, over our queue. */
export function createBrowserless(_deps: AppDeps & { logIn: LogIn }): Hono<AppEnv> {
  return new Hono<AppEnv>();
}
