import { and, eq } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { asset } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { CodedError } from '../kernel/errors.ts';
import { type Asset, ASSET_COLUMNS, toAsset } from './asset.ts';

/** A tenant's asset by its hash. @throws CodedError `not_found`, for another tenant's too */
export async function findAsset(db: Queryable, { userId, sha256 }: { userId: string; sha256: string }): Promise<Asset> {
  const [row] = /^[0-9a-f]{64}$/.test(sha256)
    ? await db
        .select(ASSET_COLUMNS)
        .from(asset)
        .where(and(forTenant(userId), eq(asset.userId, userId), eq(asset.sha256, Buffer.from(sha256, 'hex'))))
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such asset');
  return toAsset(row);
}
