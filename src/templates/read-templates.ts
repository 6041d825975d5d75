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
  if (!row) throw notFound(which);
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
  if (rows.length === 0) throw notFound({ name, version: undefined });
  const data = rows.slice(0, limit).map(toVersion);
  return { data, nextCursor: rows.length > limit ? String(data.at(-1)?.version) : null };
}

/** The error for a request whose field names a template or a version that is not there, with what was probably meant. */
export async function noSuchTemplate(
  db: Queryable,
  userId: string,
  { wanted: which, field }: { wanted: TemplateName; field: string },
): Promise<CodedError> {
  const refuse = (message: string) => invalidFields([{ field, message }]);
  const newest = await findVersion(db, userId, { name: which.name, version: undefined });
  if (newest)
    return refuse(`${which.name} has no version ${which.version}; the newest is ${which.name}@${newest.version}`);
  const { data } = await listTemplates(db, { userId, limit: MAX_COMPARED });
  const meant = nearest(which.name, data.map(({ name }) => name)); // prettier-ignore
  return refuse(`you have no template ${which.name}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}

function notFound({ name, version }: TemplateName): CodedError {
  const what = version === undefined ? name.slice(0, 100) : `${name.slice(0, 100)}@${version}`;
  return new CodedError('not_found', `there is no template ${what}`);
}

const toVersion = (row: Omit<TemplateVersion, 'createdAt'> & { createdAt: Date }): TemplateVersion => ({
  name: row.name,
  version: row.version,
  description: row.description,
  createdAt: row.createdAt.toISOString(),
});
