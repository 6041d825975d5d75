import type { Hono } from 'hono';
import { z } from 'zod';
import { getUser } from '../../accounts/users.ts';
import { usersByEmail } from '../../accounts/users-by-email.ts';
import { findBatchOwner } from '../../batches/search-batches.ts';
import { JOB_FIELDS, readJobQuery } from '../../domain/job-filter.ts';
import { fieldOfValue } from '../../jobs/field-of-value.ts';
import { findOwner, searchJobs } from '../../jobs/search-jobs.ts';
import { queryOf } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import { findUser } from './find-user.ts';
import { jobsFragment, jobsPage, type JobsQuery } from './jobs-page.ts';
import { jobsPath } from './jobs-path.ts';
import { readPair, readSearchText } from './search-text.ts';
import { sessionOf } from './session.ts';

const PAGE_SIZE = 50;
/** Characters of the search field. */
const MAX_TEXT = 400;

const others = { cursor: z.string().max(4_000).optional(), q: z.string().max(MAX_TEXT).optional() };

/** Adds the list of jobs, and the search field that every page has. After `signedIn`. */
export function addJobs(app: Hono<AppEnv>, { adminDb }: Pick<AppDeps, 'adminDb'>): void {
  const find = ({ filter, cursor }: JobsQuery) => searchJobs(adminDb, { filter, cursor, limit: PAGE_SIZE });
  app.get('/jobs', async (c) => {
    const fields = queryOf(c);
    const given = withoutEmpty(fields);
    const { q, ...query } = readQuery(given);
    if (q !== undefined) return c.redirect(await placeOfText(q.trim()), 303);
    // What the form sends beside what was filled in is not kept in the address.
    if (Object.keys(fields).length > Object.keys(given).length || fields.metadata !== undefined)
      return c.redirect(jobsPath(query), 303);
    const { user: id } = query.filter;
    const user = id === undefined ? undefined : await getUser(adminDb, { id });
    return c.html(jobsPage(sessionOf(c), { query, user, found: await find(query) }));
  });
  app.get('/fragments/jobs', async (c: AppContext) => {
    const { q: _, ...query } = readQuery(queryOf(c));
    return c.html(jobsFragment(await find(query), query));
  });

  /** Where the text of the search field leads: a job, a batch, a user's jobs, or a list. */
  async function placeOfText(text: string): Promise<string> {
    if (text === '') return '/console/jobs';
    if (await findOwner(adminDb, text)) return `/console/jobs/${text.toLowerCase()}`;
    if (await findBatchOwner(adminDb, text)) return `/console/batches/${text.toLowerCase()}`;
    const user = await findUser(adminDb, text);
    if (user) return jobsPath({ filter: { user: user.id } });
    const known = readSearchText(text);
    // With what was not allowed in it, the list says what is.
    if (known) return `/console/jobs?${new URLSearchParams(known).toString()}`;
    const [byEmail] = await usersByEmail(adminDb, text.toLowerCase(), 1);
    if (byEmail) return jobsPath({ filter: { email: text.toLowerCase() } });
    const value = (await fieldOfValue(adminDb, text)) ?? { filename: text };
    return `/console/jobs?${new URLSearchParams(value).toString()}`;
  }
}

function readQuery(fields: Record<string, string>): JobsQuery & { q?: string | undefined } {
  const { filter, others: more } = readJobQuery(withEntry(fields), JOB_FIELDS, others);
  return { filter, ...more };
}

/** Fields of the form that were left empty. */
const withoutEmpty = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value.trim() !== ''));

/** The form's field for an entry of the metadata, `order=A-17`, as the address has it. */
function withEntry({ metadata, ...fields }: Record<string, string>): Record<string, string> {
  if (metadata === undefined) return fields;
  const [key, value] = readPair(metadata) ?? [];
  return key === undefined ? { ...fields, metadata } : { ...fields, [`metadata.${key}`]: value ?? '' };
}
