import type { Hono } from 'hono';
import { QueryCache } from '../../cache/query-cache.ts';
import type { AppDeps, AppEnv, Finding } from '../route.ts';
import { doctorPage } from './doctor-page.ts';
import { sessionOf } from './session.ts';

/** Milliseconds that findings are kept, for all operators: a check opens connections of its own. */
const FINDINGS_MS = 10_000;

interface Deps extends Pick<AppDeps, 'examine'> {
  onCached: (result: 'hit' | 'miss') => void;
}

/** Adds the page of what this process finds wrong with what it needs. After `signedIn`. */
export function addDoctor(app: Hono<AppEnv>, { examine, onCached }: Deps): void {
  const findings = new QueryCache<{ findings: Finding[]; at: Date }>({
    max: 1,
    ttlMs: FINDINGS_MS,
    onRequest: onCached,
  });
  app.get('/doctor', async (c) => {
    const found = await findings.get('', async () => ({ findings: await examine(), at: new Date() }));
    return c.html(doctorPage(sessionOf(c), found));
  });
}
