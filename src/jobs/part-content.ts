import { setTimeout as sleep } from 'node:timers/promises';
import { assetFiles, type NamedAssets, partAssets, versionAssets } from '../assets/asset-files.ts';
import type { AssetReader } from '../assets/asset-reader.ts';
import { SizedCache } from '../cache/sized-cache.ts';
import { type Database, isDatabaseUnavailable } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Content } from '../sources/source-type.ts';
import { loadSource } from '../sources/sources.ts';
import type { Composer } from '../templating/composer.ts';
import type { ContentLimits } from './run.ts';
import type { StoredPart } from './stored-request.ts';

interface PartContentsOptions {
  db: Database;
  assets: AssetReader;
  composer: Pick<Composer, 'compose'>;
}

interface ContentContext extends ContentLimits {
  userId: string;
  jobId: string;
}

/** Versions of templates whose lists of files are remembered. They never change. */
const MAX_VERSIONS = 1_000;

/** Milliseconds that a document waits for the database and for the store of its files. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 500;

/** What the browser loads for the parts of jobs. */
export class PartContents {
  readonly #options: PartContentsOptions;
  readonly #versions = new SizedCache<NamedAssets>({ maxSize: MAX_VERSIONS, sizeOf: () => 1 });

  constructor(options: PartContentsOptions) {
    this.#options = options;
  }

  /**
   * Waits a while for the database and for the store.
   * @throws CodedError if there is nothing to load: `unavailable` if that may change
   */
  async of(part: StoredPart, context: ContentContext): Promise<Content> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.#load(part, context);
      } catch (error) {
        const mayChange = isDatabaseUnavailable(error) || (error instanceof CodedError && error.code === 'unavailable');
        if (!mayChange || context.signal?.aborted) throw error;
        if (performance.now() > until)
          throw new CodedError('unavailable', 'the files of the document could not be read', { cause: error });
        await sleep(PAUSE_MS);
      }
    }
  }

  async #load({ source, hasFiles, position, templateVersion, ...settings }: StoredPart, context: ContentContext) {
    const { db, assets, composer } = this.#options;
    const { userId, jobId, timeoutMs, signal } = context;
    const folder = (named: NamedAssets) => assetFiles(assets, userId, named);
    const own = hasFiles ? folder(await partAssets(db, { userId, jobId, position })) : undefined;
    const version = templateVersion && {
      key: templateVersion,
      files: folder(
        await this.#versions.get(templateVersion, () => versionAssets(db, { userId, versionId: templateVersion })),
      ),
    };
    return loadSource(source, {
      settings,
      files: own,
      version: version || undefined,
      compose: (input) => composer.compose(input, { timeoutMs, signal, tenant: userId }),
    });
  }
}
