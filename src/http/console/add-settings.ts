import { hostname } from 'node:os';
import type { Hono } from 'hono';
import { z } from 'zod';
import { readQueueOverview } from '../../jobs/queue-overview.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, AppEnv } from '../route.ts';
import { sessionOf } from './session.ts';
import { settingsPage } from './settings-page.ts';

const settingsQuery = z.object({ show: z.enum(['all', 'given']).catch('all') });

/** Adds the page of the settings in force. After `signedIn`. */
export function addSettings(
  app: Hono<AppEnv>,
  { adminDb, settings, version }: Pick<AppDeps, 'adminDb' | 'settings' | 'version'>,
): void {
  app.get('/settings', async (c) => {
    const { show } = readQuery(c, settingsQuery);
    const { workers } = await readQueueOverview(adminDb);
    const its = { host: hostname(), pid: process.pid, version };
    return c.html(settingsPage(sessionOf(c), { settings, show, workers, process: its }));
  });
}
