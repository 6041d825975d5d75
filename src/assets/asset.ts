import { asset } from '../db/schema.ts';

/** A file of a tenant, as its row says it. */
export interface Asset {
  /** of the row and of the bytes in their store; callers know it by its hash */
  id: string;
  /** lower-case hex */
  sha256: string;
  /** bytes */
  size: number;
  /** the media type that it was sent with */
  type: string;
  store: string;
  location: string | null;
}

/** The columns of an {@link Asset}. */
export const ASSET_COLUMNS = {
  id: asset.id,
  sha256: asset.sha256,
  size: asset.size,
  type: asset.type,
  store: asset.store,
  location: asset.location,
};

export function toAsset(row: Omit<Asset, 'sha256'> & { sha256: Uint8Array }): Asset {
  return { ...row, sha256: Buffer.from(row.sha256).toString('hex') };
}
