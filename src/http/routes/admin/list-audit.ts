import { z } from 'zod';
import { searchAudit } from '../../../accounts/search-audit.ts';
import { AUDITED } from '../../../domain/audit-act.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageOf, pageQuery } from '../../schemas.ts';

const instant = z.iso
  .datetime({ offset: true, error: 'allowed: a time in ISO 8601 with its zone, such as 2031-12-31T00:00:00Z' })
  .transform((text) => new Date(text));
const what = z.enum(AUDITED, { error: `allowed: ${AUDITED.join(', ')}` }).meta({ id: 'AuditedAct' });
const query = pageQuery.extend({
  by: z.uuid('allowed: the id of a user').optional().meta({ description: 'Only what this user did' }),
  user: z.uuid('allowed: the id of a user').optional().meta({ description: 'Only what was done to what is theirs' }),
  job: z.uuid('allowed: the id of a job').optional(),
  what: what.optional(),
  after: instant.optional().meta({ description: 'From this instant on' }),
  before: instant.optional(),
});

const entrySchema = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    what,
    byId: z.uuid().nullable().meta({ description: 'Who did it; null: a command on the server' }),
    by: z.string().nullable().meta({ description: 'Their email; null: they were erased' }),
    keyId: z.uuid().nullable().meta({ description: 'null: the session was begun with a link' }),
    sessionId: z.uuid().nullable(),
    userId: z.uuid().nullable().meta({ description: 'Whose it was' }),
    user: z.string().nullable().meta({ description: 'Their email; null: they were erased' }),
    jobId: z.uuid().nullable(),
    requestId: z.string().nullable(),
    detail: z.record(z.string(), z.union([z.string(), z.number()])).meta({ description: 'What else identifies it' }),
  })
  .meta({ id: 'AuditEntry' });

export function listAuditRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/audit',
    scope: 'admin',
    operationId: 'listAudit',
    summary: 'Who looked at which document, and who did what for whom, newest first',
    requestParams: { query },
    responses: { 200: jsonResponse('A page of the audit log', pageOf(entrySchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { limit, cursor, ...filter } = readQuery(c, query);
      const { entries, next } = await searchAudit(adminDb, { filter, limit, cursor });
      return c.json({ data: entries, nextCursor: next });
    },
  };
}
