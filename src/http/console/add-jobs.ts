import type { Hono } from 'hono';
import { z } from 'zod';
import { getUser } from '../../accounts/users.ts';
import { findBatchOwner } from '../../batches/search-batches.ts';
import { JOB_STATUSES } from '../../domain/job.ts';
import { findOwner, searchJobs } from '../../jobs/search-jobs.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, AppEnv } from '../route.ts';
import { findUser } from './find-user.ts';
import { jobsFragment, jobsPage, type JobsQuery } from './jobs-page.ts';
import { sessionOf } from './session.ts';

const PAGE_SIZE = 50;

const jobsQuery = z.object({
  status: z.enum(JOB_STATUSES).optional().catch(undefined),
  user: z.uuid().optional(),
  cursor: z.uuid().optional(),
  q: z.string().max(400).optional(),
});

/** Adds the list of jobs, and the search field that every page has. After `signedIn`. */
export function addJobs(app: Hono<AppEnv>, { adminDb }: Pick<AppDeps, 'adminDb'>): void {
  const find = (query: JobsQuery) =>
    searchJobs(adminDb, { filter: { status: query.status, user: query.user }, cursor: query.cursor, limit: PAGE_SIZE });
  app.get('/jobs', async (c) => {
    const { q, ...query } = readQuery(c, jobsQuery);
    const wanted = q?.trim() ?? '';
    if (wanted === '') {
      const user = query.user === undefined ? undefined : await getUser(adminDb, { id: query.user });
      return c.html(jobsPage(sessionOf(c), { query, user, found: await find(query) }));
    }
    if (await findOwner(adminDb, wanted)) return c.redirect(`/console/jobs/${wanted.toLowerCase()}`, 303);
    if (await findBatchOwner(adminDb, wanted)) return c.redirect(`/console/batches/${wanted.toLowerCase()}`, 303);
    const user = await findUser(adminDb, wanted);
    if (user) return c.redirect(`/console/jobs?user=${user.id}`, 303);
    throw new CodedError('not_found', `there is no job, no batch and no user ${wanted.slice(0, 100)}`);
  });
  app.get('/fragments/jobs', async (c) => {
    const { q: _, ...query } = readQuery(c, jobsQuery);
    return c.html(jobsFragment(await find(query), query));
  });
}
