import { AssetReader } from '../assets/asset-reader.ts';
import { findAsset } from '../assets/find-asset.ts';
import type { Database } from '../db/pools.ts';
import { readFile } from '../sources/read-file.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';

/** Bytes of a text that is read whole. */
const MAX_TEXT = 1024 * 1024;

/** The text of an asset, by its hash; undefined if none is meant. @throws CodedError if it is not there, or too large */
export async function textOf(
  { reads, assetStores }: { reads: Database; assetStores: Stores },
  userId: string,
  sha256: string | undefined,
): Promise<string | undefined> {
  if (sha256 === undefined) return undefined;
  const found = await findAsset(reads, { userId, sha256 });
  const reader = new AssetReader({ db: reads, assetStores, cacheBytes: 0 });
  const bytes = await readFile({ names: [sha256], open: () => reader.open(userId, found) }, sha256, MAX_TEXT);
  if (!bytes) throw new CodedError('invalid_request', `a text is larger than ${MAX_TEXT} bytes`);
  return new TextDecoder().decode(bytes);
}
