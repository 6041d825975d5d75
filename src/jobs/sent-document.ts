import { and, eq } from 'drizzle-orm';
import type { Asset } from '../assets/asset.ts';
import { type NamedAssets, partAssets, versionAssets } from '../assets/asset-files.ts';
import type { Database } from '../db/pools.ts';
import { job, part } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { sourceFields } from '../domain/pdf-request.ts';
import type { Source } from '../domain/source.ts';
import { withoutSecrets } from '../domain/without-secrets.ts';
import { CodedError } from '../kernel/errors.ts';
import { type StoredPart, storedDocuments } from './stored-request.ts';

/** A file that was sent, or that a template has. */
type SentFile = Asset & { name: string };

/** A part as it was sent. */
export interface SentPart {
  /** in its job, from 0; files belong to it */
  position: number;
  /** which field of a request it is: `html`, `url`, …; `result`: what becomes of the parts; `request`: nobody has read it */
  kind: string;
  /** the document itself, or JSON; undefined: it is in the files, or elsewhere */
  text: string | undefined;
  /** of the text */
  type: 'html' | 'md' | 'json' | undefined;
  /** print settings, without secrets */
  settings: Record<string, unknown>;
  files: SentFile[];
}

/** What a job was sent with. */
export interface SentDocument {
  userId: string;
  filename: string | null;
  /** print settings of the whole, without secrets */
  settings: Record<string, unknown>;
  /** in order; none if they are no longer kept */
  parts: SentPart[];
}

/** The request and the documents of a job of any tenant, while they are kept, without secrets. @throws CodedError `not_found` */
export async function readSentDocument(
  db: Database,
  { userId, jobId }: { userId: string; jobId: string },
): Promise<SentDocument> {
  const rows = await db
    .select({ request: job.request, html: job.html, url: job.url, filename: job.filename, part })
    .from(job)
    .leftJoin(part, eq(part.jobId, job.id))
    .where(and(forTenant(userId), eq(job.id, jobId), eq(job.userId, userId)))
    .orderBy(part.position);
  const [row] = rows;
  if (!row) throw new CodedError('not_found', 'there is no such job');
  const { unread, parts, result } = storedDocuments(
    row,
    rows.flatMap((each) => each.part ?? []),
  );
  const sent: SentPart[] = [];
  const ownSettings = new Map(rows.map((each) => [each.part?.position, each.part?.settings]));
  for (const each of parts)
    sent.push(await sentPart(db, { userId, jobId }, each, ownSettings.get(each.position) ?? {}));
  if (unread !== undefined)
    sent.push({ position: 0, kind: 'request', ...asJson(withoutSecrets(unread)), settings: {}, files: [] });
  if (result) {
    const files = result.hasFiles ? filesOf(await partAssets(db, { userId, jobId, position: result.position })) : [];
    if (Object.keys(result.settings).length > 0 || files.length > 0)
      sent.push({ position: result.position, kind: 'result', text: undefined, type: undefined, settings: asObject(withoutSecrets(result.settings)), files }); // prettier-ignore
  }
  return { userId, filename: row.filename, settings: asObject(withoutSecrets(row.request)), parts: sent };
}

async function sentPart(
  db: Database,
  whose: { userId: string; jobId: string },
  { source, position, hasFiles, templateVersion }: StoredPart,
  settings: Record<string, unknown>,
): Promise<SentPart> {
  const { userId } = whose;
  const own = hasFiles ? await partAssets(db, { ...whose, position }) : undefined;
  const ofTemplate =
    templateVersion === undefined ? undefined : await versionAssets(db, { userId, versionId: templateVersion });
  const files = [own, ofTemplate].flatMap((assets) => (assets ? filesOf(assets) : []));
  return { position, ...shownSource(source), settings: asObject(withoutSecrets(settings)), files };
}

function shownSource(source: Source): Pick<SentPart, 'kind' | 'text' | 'type'> {
  const { kind } = source;
  if (kind === 'html') return { kind, text: source.value, type: 'html' };
  if (kind === 'markdown') return { kind, text: source.value, type: 'md' };
  if (kind === 'files') return { kind, text: undefined, type: undefined };
  return { kind, ...asJson(withoutSecrets(sourceFields(source))) };
}

const filesOf = ({ byName }: NamedAssets): SentFile[] => [...byName].map(([name, asset]) => ({ ...asset, name }));

const asJson = (value: unknown) => ({ text: JSON.stringify(value, null, 2), type: 'json' as const });

const asObject = (value: unknown) => value as Record<string, unknown>;
