import { createHash } from 'node:crypto';
import { and, eq } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { asset, partFile, templateFile } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { Files } from '../kernel/files.ts';
import { mediaTypeOf } from '../domain/media-type.ts';
import { type Asset, ASSET_COLUMNS, toAsset } from './asset.ts';
import type { AssetReader } from './asset-reader.ts';

/** Assets by the paths that refer to them. */
export interface NamedAssets {
  /** the same key, the same files; assets are the tenant's own */
  key: string;
  byName: ReadonlyMap<string, Asset>;
}

/** The files of a folder, from assets. @param userId their owner */
export function assetFiles(reader: AssetReader, userId: string, assets: NamedAssets): Files {
  return {
    key: assets.key,
    names: [...assets.byName.keys()],
    async open(name) {
      const found = assets.byName.get(name);
      if (!found) return undefined;
      const opened = await reader.open(userId, found);
      // Named like this it is for the browser what it would be on any server; how it was sent says less.
      return { ...opened, type: mediaTypeOf(name) ?? found.type };
    },
  };
}

/** The files of a part of a job. */
export async function partAssets(
  db: Queryable,
  { userId, jobId, position }: { userId: string; jobId: string; position: number },
): Promise<NamedAssets> {
  const rows = await db
    .select({ name: partFile.name, ...ASSET_COLUMNS })
    .from(partFile)
    .innerJoin(asset, eq(asset.id, partFile.assetId))
    .where(
      and(forTenant(userId), eq(partFile.jobId, jobId), eq(partFile.position, position), eq(asset.userId, userId)),
    );
  return named(rows);
}

/** The files of a version of a template. */
export async function versionAssets(
  db: Queryable,
  { userId, versionId }: { userId: string; versionId: string },
): Promise<NamedAssets> {
  const rows = await db
    .select({ name: templateFile.name, ...ASSET_COLUMNS })
    .from(templateFile)
    .innerJoin(asset, eq(asset.id, templateFile.assetId))
    .where(and(forTenant(userId), eq(templateFile.versionId, versionId), eq(asset.userId, userId)));
  return named(rows);
}

type Row = { name: string } & Parameters<typeof toAsset>[0];

function named(rows: Row[]): NamedAssets {
  const all = rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const key = createHash('sha256').update(JSON.stringify(all.map(({ name, id }) => [name, id])));
  return { key: key.digest('hex'), byName: new Map(all.map(({ name, ...row }) => [name, toAsset(row)])) };
}
