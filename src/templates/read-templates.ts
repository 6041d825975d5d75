import { and, asc, desc, eq, gt, isNull, lt } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { asset, template, templateFile, templateVersion } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { TemplateName } from '../domain/template-name.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import type { Template, TemplateVersion } from './template.ts';

/** Names that are compared to find the one that was meant. */
const MAX_COMPARED = 1_000;

const columns = {
  id: templateVersion.id,
  name: template.name,
  version: templateVersion.version,
  description: templateVersion.description,
  createdAt: templateVersion.createdAt,
  request: templateVersion.request,
  hash: templateVersion.hash,
};

const ofUser = (userId: string) =>
  and(
    forTenant(userId),
    eq(template.userId, userId),
    eq(templateVersion.templateId, template.id),
    isNull(templateVersion.deletedAt),
  );

const isNewest = eq(templateVersion.version, template.latest);

/** The version of a tenant's template, without its files; undefined if there is none. */
export async function findVersion(db: Queryable, userId: string, { name, version }: TemplateName) {
  const which = version === undefined ? isNewest : eq(templateVersion.version, version);
  const [row] = await db
    .select(columns)
    .from(template)
    .innerJoin(templateVersion, ofUser(userId))
    .where(and(eq(template.name, name), which));
  return row;
}

/** A version with its files. @throws CodedError `not_found`, for another tenant's too */
export async function getTemplate(db: Queryable, userId: string, which: TemplateName): Promise<Template> {
  const row = await findVersion(db, userId, which);
  if (!row) throw await notFound(db, userId, which);
  const files = await db
    .select({ name: templateFile.name, sha256: asset.sha256, size: asset.size, type: asset.type })
    .from(templateFile)
    .innerJoin(asset, eq(asset.id, templateFile.assetId))
    .where(and(forTenant(userId), eq(templateFile.versionId, row.id)))
    .orderBy(asc(templateFile.name));
  return {
    ...toVersion(row),
    request: row.request,
    files: Object.fromEntries(
      files.map(({ name, sha256, ...file }) => [name, { id: Buffer.from(sha256).toString('hex'), ...file }]),
    ),
  };
}

/** A page of a tenant's templates, each its newest version, by name. `cursor` is the last name of the page before. */
export async function listTemplates(
  db: Queryable,
  { userId, limit, cursor }: { userId: string; limit: number; cursor?: string | undefined },
): Promise<{ data: TemplateVersion[]; nextCursor: string | null }> {
  const rows = await db
    .select(columns)
    .from(template)
    .innerJoin(templateVersion, and(ofUser(userId), isNewest))
    .where(cursor === undefined ? undefined : gt(template.name, cursor))
    .orderBy(asc(template.name))
    .limit(limit + 1);
  const data = rows.slice(0, limit).map(toVersion);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.name ?? null) : null };
}

/** A page of a template's versions, newest first. @throws CodedError `not_found` */
export async function listVersions(
  db: Queryable,
  input: { userId: string; name: string; limit: number; cursor: number },
): Promise<{ data: TemplateVersion[]; nextCursor: string | null }> {
  const { userId, name, limit, cursor } = input;
  const rows = await db
    .select(columns)
    .from(template)
    .innerJoin(templateVersion, ofUser(userId))
    .where(and(eq(template.name, name), lt(templateVersion.version, cursor)))
    .orderBy(desc(templateVersion.version))
    .limit(limit + 1);
  if (rows.length === 0) throw await notFound(db, userId, { name, version: undefined });
  const data = rows.slice(0, limit).map(toVersion);
  return { data, nextCursor: rows.length > limit ? String(data.at(-1)?.version) : null };
}

/** The error for a request whose field names a template or a version that is not there, with what was probably meant. */
export async function noSuchTemplate(
  db: Queryable,
  userId: string,
  { wanted: which, field }: { wanted: TemplateName; field: string },
): Promise<CodedError> {
  const hint = await nearTemplate(db, userId, which);
  const message = hint.newest === undefined ? `you have no template ${which.name}` : `${which.name} has no version ${which.version}`; // prettier-ignore
  return invalidFields([{ field, message: message + hint.text }]);
}

async function notFound(db: Queryable, userId: string, which: TemplateName): Promise<CodedError> {
  const name = which.name.slice(0, 100);
  const what = which.version === undefined ? name : `${name}@${which.version}`;
  return new CodedError('not_found', `there is no template ${what}${(await nearTemplate(db, userId, which)).text}`);
}

/** What there is instead of a template or a version that is not there. */
async function nearTemplate(db: Queryable, userId: string, { name, version }: TemplateName) {
  const newest = version === undefined ? undefined : await findVersion(db, userId, { name, version: undefined });
  if (newest) return { newest, text: `; the newest is ${name}@${newest.version}` };
  const { data } = await listTemplates(db, { userId, limit: MAX_COMPARED });
  const others = data.flatMap((each) => (each.name === name ? [] : [each.name]));
  const meant = nearest(name, others);
  return { newest, text: meant === undefined ? '' : `; did you mean ${meant}?` };
}

const toVersion = (row: Omit<TemplateVersion, 'createdAt'> & { createdAt: Date }): TemplateVersion => ({
  name: row.name,
  version: row.version,
  description: row.description,
  createdAt: row.createdAt.toISOString(),
});
