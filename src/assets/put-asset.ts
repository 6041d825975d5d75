import { and, eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Queryable, Transaction } from '../db/pools.ts';
import { asset, unownedFile, user } from '../db/schema.ts';
import { CodedError } from '../kernel/errors.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { StoreFailure, type StoreFileBytes, UNREACHED_SECONDS } from '../storage/store.ts';
import type { Stores } from '../storage/stores.ts';
import { type Asset, ASSET_COLUMNS, toAsset } from './asset.ts';

export interface PutAssetDeps {
  db: Database;
  /** of assets, which have a table of their own in the database */
  assetStores: Stores;
  /** bytes of all assets of one tenant, at most */
  assetBytes: number;
}

interface PutAssetInput {
  userId: string;
  /** media type */
  type: string;
  bytes: StoreFileBytes;
  signal?: AbortSignal | undefined;
}

/** Seconds after which bytes are removed that no row came to name. No put takes that long. */
const LATE_SECONDS = 3_600;

/** Assets of one tenant, at most. */
const MAX_ASSETS = 100_000;

/**
 * Keeps a file of a tenant. The same bytes again are the same asset.
 * @throws CodedError `asset_limit_reached`; `unavailable` if the store does not take it; `unauthenticated` if the
 *   tenant is being erased
 */
export async function putAsset(deps: PutAssetDeps, input: PutAssetInput): Promise<{ asset: Asset; isNew: boolean }> {
  const { db } = deps;
  const known = await findAgain(db, input);
  if (known) return { asset: known, isNew: false };
  await checkLimit(deps, input);
  try {
    return await store(deps, input);
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    throw new CodedError('unavailable', 'the file could not be stored; try again shortly', {
      cause: error,
      retryAfterSeconds: UNREACHED_SECONDS,
    });
  }
}

/** An asset with the same bytes, which counts as sent now. */
async function findAgain(db: Queryable, { userId, bytes }: PutAssetInput): Promise<Asset | undefined> {
  const [row] = await db
    .update(asset)
    .set({ usedAt: sql`now()` })
    .where(and(eq(asset.userId, userId), eq(asset.sha256, Buffer.from(bytes.sha256, 'hex'))))
    .returning(ASSET_COLUMNS);
  return row && toAsset(row);
}

/** Not exact: of several that are sent at the same time, each may be the last that fits. */
async function checkLimit({ db, assetBytes }: PutAssetDeps, { userId, bytes }: PutAssetInput): Promise<void> {
  const [sum] = await db
    .select({ size: sql<string>`coalesce(sum(${asset.size}), 0)`, count: sql<number>`count(*)::integer` })
    .from(asset)
    .where(eq(asset.userId, userId));
  const used = Number(sum?.size ?? 0);
  const limit = assetBytes / MEGABYTE;
  if (used + bytes.size > assetBytes)
    throw new CodedError(
      'asset_limit_reached',
      `your files take ${Math.ceil(used / MEGABYTE)} MB; allowed: ${limit} MB. A file is removed a day after nothing refers to it any longer`,
    );
  if ((sum?.count ?? 0) >= MAX_ASSETS)
    throw new CodedError('asset_limit_reached', `you have ${MAX_ASSETS} files, which is the most that is allowed`);
}

async function store({ db, assetStores }: PutAssetDeps, input: PutAssetInput) {
  const { current } = assetStores;
  const { bytes, signal } = input;
  const id = uuidv7();
  if (!current.isInDatabase) {
    await db.execute(sql`
      insert into ${unownedFile} (id, store, location, remove_after)
      values (${id}, ${current.kind}, ${current.location}, now() + ${LATE_SECONDS} * interval '1 second')`);
    await current.put(db, id, bytes, signal);
  }
  const made = await db.transaction(async (tx) => {
    const written = await insert(tx, id, input, assetStores);
    if (!written) return undefined;
    if (current.isInDatabase) await current.put(tx, id, bytes);
    else {
      const owned = await tx.delete(unownedFile).where(eq(unownedFile.id, id)).returning({ id: unownedFile.id });
      if (owned.length === 0) throw new StoreFailure('slow', 'the file was removed before its row was written');
    }
    return written;
  });
  if (made) return { asset: made, isNew: true };
  // Somebody sent the same bytes at the same time. Ours are removed when they are due.
  const known = await findAgain(db, input);
  if (!known) throw new CodedError('unavailable', 'the file was just removed; try again', { retryAfterSeconds: 1 });
  return { asset: known, isNew: false };
}

/** @returns undefined if there is one with the same bytes */
async function insert(
  tx: Transaction,
  id: string,
  { userId, type, bytes }: PutAssetInput,
  { current }: Stores,
): Promise<Asset | undefined> {
  const [owner] = await tx.select({ erasedAt: user.erasedAt }).from(user).where(eq(user.id, userId)).for('key share');
  if (!owner || owner.erasedAt) throw new CodedError('unauthenticated', 'the user is being erased');
  const { size, sha256 } = bytes;
  const row = { id, userId, size, type, store: current.kind, location: current.location };
  const [made] = await tx
    .insert(asset)
    .values({ ...row, sha256: Buffer.from(sha256, 'hex') })
    .onConflictDoNothing()
    .returning({ id: asset.id });
  return made && { ...row, sha256 };
}
