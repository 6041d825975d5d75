import type { Hono } from 'hono';
import { z } from 'zod';
import { getUser } from '../../accounts/users.ts';
import { findAsset } from '../../assets/find-asset.ts';
import { countJobs } from '../../jobs/search-jobs.ts';
import { CodedError } from '../../kernel/errors.ts';
import { getTemplate, listVersions } from '../../templates/read-templates.ts';
import { findTemplate, type ListedTemplate, searchTemplates } from '../../templates/search-templates.ts';
import type { Template } from '../../templates/template.ts';
import { readQuery } from '../query.ts';
import type { AppContext, AppDeps, AppEnv } from '../route.ts';
import type { Looked } from './acted.ts';
import { findUser } from './find-user.ts';
import { sessionOf } from './session.ts';
import { templatePage, type TemplateView } from './template-page.ts';
import { templatesPage } from './templates-page.ts';

const PAGE_SIZE = 50;
const VERSIONS = 50;
/** Jobs of one version that are counted, at most. */
const MAX_COUNTED = 1_000;
/** A larger file is not shown. */
const MAX_TEXT_BYTES = 512 * 1_024;

const templatesQuery = z.object({
  user: z.uuid().optional(),
  q: z.string().trim().max(320).optional(),
  cursor: z.uuid().optional(),
});
const templateQuery = z.object({
  version: z.coerce.number().int().min(1).max(1_000_000).optional().catch(undefined),
  file: z.string().max(1_024).optional(),
});

interface Deps extends Pick<AppDeps, 'reads' | 'adminDb' | 'assetStores'> {
  looked: Looked;
}

/** Adds the pages of templates. After `signedIn`. */
export function addTemplates(app: Hono<AppEnv>, { reads, adminDb, assetStores, looked }: Deps): void {
  app.get('/templates', async (c) => {
    const { q: wanted = '', ...query } = readQuery(c, templatesQuery);
    const q = wanted || undefined;
    if (q?.includes('@')) {
      const user = await findUser(adminDb, q);
      if (user) return c.redirect(`/console/templates?user=${user.id}`, 303);
    }
    const { user: userId, cursor } = query;
    const [user, found] = await Promise.all([
      userId === undefined ? undefined : getUser(adminDb, { id: userId }),
      searchTemplates(adminDb, { userId, start: q, cursor, limit: PAGE_SIZE }),
    ]);
    return c.html(templatesPage(sessionOf(c), { query: { ...query, q }, user, found }));
  });

  /** The text of a file, after the look at it is written down. */
  const fileOf = async (c: AppContext, { userId, id }: ListedTemplate, { version, files }: Template, name: string) => {
    if (!sessionOf(c).may.seeDocuments)
      throw new CodedError('missing_scope', 'This needs a key with the scope console:documents.');
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    if (!file) throw new CodedError('not_found', `the template has no file ${name.slice(0, 100)}`);
    // By its number: a name is the tenant's, and would stay after the user is erased.
    const detail = { templateId: id, version, file: Object.keys(files).indexOf(name) };
    await looked(c, 'looked at a template', { subjectUserId: userId, detail });
    return { name, text: file.size > MAX_TEXT_BYTES ? undefined : await textOf(userId, file.id) };
  };
  const textOf = async (userId: string, sha256: string): Promise<string | undefined> => {
    const asset = await findAsset(reads, { userId, sha256 });
    const store = assetStores.of(asset);
    if (!store) throw new CodedError('unavailable', 'the file is in a store that this service cannot reach now');
    const pieces: Uint8Array[] = [];
    if (asset.size > 0)
      for await (const piece of store.open(reads, { userId, fileId: asset.id, size: asset.size })) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    const text = new TextDecoder().decode(bytes);
    return text.includes('\0') || text.includes('\uFFFD') ? undefined : text;
  };

  app.get('/templates/:id', async (c) => {
    const { version, file } = readQuery(c, templateQuery);
    const template = await findTemplate(adminDb, c.req.param('id'));
    const { userId, name } = template;
    const view = await c.var.underWay.reading(userId, async (): Promise<TemplateView> => {
      const versions = await versionsOf(name, userId);
      const wanted = version ?? versions[0]?.version;
      const shown = wanted === undefined ? undefined : await getTemplate(reads, userId, { name, version: wanted });
      const its = shown && file !== undefined ? await fileOf(c, template, shown, file) : undefined;
      const filter = { user: userId, template: `${name}@${wanted}` };
      const jobs = shown && (await countJobs(adminDb, filter, { max: MAX_COUNTED }));
      return { template, versions, shown, jobs, file: its };
    });
    return c.html(templatePage(sessionOf(c), view));
  });
  /** Empty if all are deleted. */
  const versionsOf = async (name: string, userId: string) => {
    try {
      const which = { userId, name, limit: VERSIONS, cursor: 999_999_999 };
      return (await listVersions(reads, which)).data;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'not_found') return [];
      throw error;
    }
  };
}
