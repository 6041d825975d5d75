import type { Hono } from 'hono';
import { z } from 'zod';
import { getUser } from '../../accounts/users.ts';
import { listRuns } from '../../schedules/read-schedules.ts';
import { nextTimes } from '../../schedules/schedule.ts';
import { findSchedule, searchSchedules } from '../../schedules/search-schedules.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, AppEnv } from '../route.ts';
import { findUser } from './find-user.ts';
import { schedulePage } from './schedule-page.ts';
import { schedulesFragment, schedulesPage, type SchedulesQuery } from './schedules-page.ts';
import { sessionOf } from './session.ts';

const PAGE_SIZE = 50;

const schedulesQuery = z.object({
  user: z.uuid().optional(),
  cursor: z.uuid().optional(),
  q: z.string().max(400).optional(),
});
const scheduleQuery = z.object({ cursor: z.iso.datetime().optional().catch(undefined) });

/** Adds the pages of schedules. After `signedIn`. */
export function addSchedules(app: Hono<AppEnv>, { reads, adminDb }: Pick<AppDeps, 'reads' | 'adminDb'>): void {
  const find = ({ user, cursor }: SchedulesQuery) =>
    searchSchedules(adminDb, { userId: user, cursor, limit: PAGE_SIZE });
  app.get('/schedules', async (c) => {
    const { q, ...query } = readQuery(c, schedulesQuery);
    const wanted = q?.trim() ?? '';
    if (wanted === '') {
      const user = query.user === undefined ? undefined : await getUser(adminDb, { id: query.user });
      return c.html(schedulesPage(sessionOf(c), { query, user, found: await find(query) }));
    }
    const user = await findUser(adminDb, wanted);
    if (user) return c.redirect(`/console/schedules?user=${user.id}`, 303);
    throw new CodedError('not_found', `there is no user ${wanted.slice(0, 100)}`);
  });
  app.get('/fragments/schedules', async (c) => {
    const { q: _, ...query } = readQuery(c, schedulesQuery);
    return c.html(schedulesFragment(await find(query), query));
  });
  app.get('/schedules/:id', async (c) => {
    const { cursor } = readQuery(c, scheduleQuery);
    const schedule = await findSchedule(adminDb, c.req.param('id'));
    const { userId, name } = schedule;
    const runs = await c.var.underWay.reading(userId, () =>
      listRuns(reads, { userId, name, limit: PAGE_SIZE, cursor }),
    );
    const at = schedule.nextAt === null ? null : new Date(schedule.nextAt);
    const times = nextTimes({ ...schedule, nextAt: at });
    return c.html(schedulePage(sessionOf(c), { schedule, nextTimes: times, runs }));
  });
}
