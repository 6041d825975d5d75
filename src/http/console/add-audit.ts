import type { Hono } from 'hono';
import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { searchAudit } from '../../accounts/search-audit.ts';
import { AUDITED } from '../../domain/audit-act.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, AppEnv } from '../route.ts';
import { auditPage } from './audit-page.ts';
import { findUser } from './find-user.ts';
import { sessionOf } from './session.ts';

const PAGE_SIZE = 50;
const DAY_MS = 86_400_000;

const text = z
  .string()
  .trim()
  .max(320)
  .optional()
  .transform((value) => value || undefined);
/** A day in UTC; the form sends an empty field if there is none. */
const day = z.preprocess((value) => value || undefined, z.iso.date('allowed: a day, such as 2031-12-31').optional());
const auditQuery = z.object({
  by: text,
  user: text,
  job: z.preprocess(
    (value) => (typeof value === 'string' && value.trim()) || undefined,
    z.uuid('allowed: the whole id of a job').optional(),
  ),
  what: z.enum(AUDITED).optional().catch(undefined),
  from: day,
  until: day,
  cursor: z.uuid().optional(),
});

/** Adds the audit log. Administrators see all of it, everybody else what they have done. After `signedIn`. */
export function addAudit(app: Hono<AppEnv>, { adminDb }: Pick<AppDeps, 'adminDb'>): void {
  /** The id of a user, also of one who was erased. @returns null if there is none with this email */
  const idOf = async (wanted: string | undefined) => {
    if (wanted === undefined || isUuid(wanted)) return wanted;
    return (await findUser(adminDb, wanted))?.id ?? null;
  };
  app.get('/audit', async (c) => {
    const session = sessionOf(c);
    const { cursor, ...query } = readQuery(c, auditQuery);
    const by = session.may.administer ? await idOf(query.by) : session.userId;
    const user = await idOf(query.user);
    const { job, what, from, until } = query;
    const filter = {
      job,
      what,
      after: from === undefined ? undefined : new Date(from),
      before: until === undefined ? undefined : new Date(new Date(until).getTime() + DAY_MS),
    };
    const found =
      by === null || user === null
        ? { entries: [], next: null }
        : await searchAudit(adminDb, { filter: { ...filter, by, user }, limit: PAGE_SIZE, cursor });
    return c.html(auditPage(session, { query, found }));
  });
}
