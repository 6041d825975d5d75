import { and, eq, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { type Database, postgresErrorOf, type Transaction } from '../db/pools.ts';
import { template, templateVersion, user } from '../db/schema.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { pathText } from '../domain/field-path.ts';
import { templateNameProblem } from '../domain/template-name.ts';
import { checkTemplate, hashOf, type TemplateContent } from './template-content.ts';

/** Templates of one tenant, and versions of one template, at most. */
const MAX_TEMPLATES = 1_000;
const MAX_VERSIONS = 10_000;

/** The error of `pdfprompt_use_assets` in the database. */
const NO_ASSETS = 'PDF05';

interface PutTemplateInput {
  userId: string;
  name: string;
  content: TemplateContent;
}

/**
 * Saves a template. A content that differs from the newest version's is a new version; the same one changes nothing.
 * @returns the version that has this content now
 * @throws CodedError that names what is not valid, and files whose assets the tenant does not have
 */
export async function putTemplate(
  db: Database,
  { userId, name, content }: PutTemplateInput,
): Promise<{ version: number; isNew: boolean }> {
  const problem = templateNameProblem(name);
  if (problem !== undefined) throw invalidFields([{ field: 'name', message: problem }]);
  checkTemplate(content);
  try {
    return await db.transaction((tx) => save(tx, { userId, name, content }));
  } catch (error) {
    throw assetsRefusalOf(error) ?? error;
  }
}

async function save(tx: Transaction, { userId, name, content }: PutTemplateInput) {
  const [owner] = await tx.select({ erasedAt: user.erasedAt }).from(user).where(eq(user.id, userId)).for('key share');
  if (!owner || owner.erasedAt) throw new CodedError('unauthenticated', 'the user is being erased');
  await tx.insert(template).values({ id: uuidv7(), userId, name }).onConflictDoNothing();
  const [row] = await tx
    .select({ id: template.id, latest: template.latest })
    .from(template)
    .where(and(eq(template.userId, userId), eq(template.name, name)))
    .for('no key update'); // versions get their numbers one after the other
  if (!row) throw new Error('a row that was just written is not there');
  const hash = hashOf(content);
  const [newest] = await tx
    .select({ version: templateVersion.version, hash: templateVersion.hash })
    .from(templateVersion)
    .where(
      and(
        eq(templateVersion.templateId, row.id),
        eq(templateVersion.version, row.latest),
        isNull(templateVersion.deletedAt),
      ),
    );
  if (newest && hash.equals(newest.hash)) return { version: newest.version, isNew: false };
  await checkCounts(tx, userId, row.latest);
  const version = row.latest + 1;
  const { description = null, request } = content;
  const id = uuidv7();
  await tx.insert(templateVersion).values({ id, templateId: row.id, userId, version, hash, description, request });
  const files = JSON.stringify(content.files);
  await tx.execute(sql`select pdfprompt_use_assets(${userId}, ${files}::text::jsonb)`);
  await tx.execute(sql`
    insert into pdfprompt_template_file (version_id, name, asset_id)
    select ${id}, f.key, a.id from jsonb_each_text(${files}::text::jsonb) f
    join pdfprompt_asset a on a.user_id = ${userId} and a.sha256 = decode(f.value, 'hex')`);
  await tx.update(template).set({ latest: version }).where(eq(template.id, row.id));
  return { version, isNew: true };
}

/** Names of deleted templates count too: their rows are kept. */
async function checkCounts(tx: Transaction, userId: string, latest: number): Promise<void> {
  if (latest >= MAX_VERSIONS)
    throw new CodedError('template_limit_reached', `the template has ${MAX_VERSIONS} versions; allowed: no more`);
  if (latest > 0) return;
  const [all] = await tx
    .select({ count: sql<number>`count(*)::integer` })
    .from(template)
    .where(eq(template.userId, userId));
  if ((all?.count ?? 0) > MAX_TEMPLATES)
    throw new CodedError('template_limit_reached', `you have ${MAX_TEMPLATES} templates; allowed: no more`);
}

/** What a statement that refers to assets was refused for; undefined if it is something else. */
export function assetsRefusalOf(error: unknown): CodedError | undefined {
  const { code, detail = '' } = postgresErrorOf(error) ?? {};
  if (code !== NO_ASSETS) return undefined;
  const missing = JSON.parse(detail) as Record<string, string>; // hashes by paths
  const message = 'you have no such asset; send it with PUT /v1/assets';
  return invalidFields(Object.keys(missing).map((name) => ({ field: pathText(['files', name]), message })));
}
