import { createHash } from 'node:crypto';
import { putAsset, type PutAssetDeps } from '../assets/put-asset.ts';
import { mediaTypeOf } from '../domain/media-type.ts';
import type { FileInput } from '../domain/source.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import type { AppContext } from './route.ts';

/** Files of one request that are stored at a time. */
const AT_A_TIME = 4;
const UNKNOWN = 'application/octet-stream';

/** Stores the files that are in a request itself. @returns the hash of each asset, by its path */
export async function storeFiles(
  c: AppContext,
  deps: PutAssetDeps,
  files: Readonly<Record<string, FileInput>>,
): Promise<Record<string, string>> {
  const { userId } = c.var.principal;
  const ids: Record<string, string> = {};
  await forEachInSlots(Object.entries(files), AT_A_TIME, async ([name, file]) => {
    if (typeof file === 'string') ids[name] = file;
    else {
      const content = 'text' in file ? Buffer.from(file.text) : Buffer.from(file.base64, 'base64');
      const sha256 = createHash('sha256').update(content).digest('hex');
      const bytes = { chunks: [content], size: content.byteLength, sha256 };
      const type = mediaTypeOf(name) ?? UNKNOWN;
      await putAsset(deps, { userId, type, bytes });
      ids[name] = sha256;
    }
  });
  return ids;
}
