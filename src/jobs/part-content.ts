import { assetFiles, type NamedAssets, partAssets, versionAssets } from '../assets/asset-files.ts';
import type { AssetReader } from '../assets/asset-reader.ts';
import { SizedCache } from '../cache/sized-cache.ts';
import type { Database } from '../db/pools.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import type { Content } from '../sources/source-type.ts';
import { loadSource } from '../sources/sources.ts';
import type { Composer } from '../templating/composer.ts';
import type { ContentLimits } from './run.ts';
import type { Asset } from '../assets/asset.ts';
import type { FinishingFile } from '../finishing/finisher.ts';
import { PdfDamaged } from '../storage/store.ts';
import type { Stores } from '../storage/stores.ts';
import { patiently } from './patiently.ts';
import { getJobFile } from './read.ts';
import type { StoredPart, StoredResult } from './stored-request.ts';

interface PartContentsOptions {
  db: Database;
  assets: AssetReader;
  /** of the files of jobs */
  stores: Stores;
  composer: Pick<Composer, 'compose'>;
  /** bytes of one file that steps need, and of all of a job together, with the PDFs of its parts */
  caps: { maxBytes: number; maxTotalBytes: number };
}

interface ContentContext extends ContentLimits {
  userId: string;
  jobId: string;
}

/** Versions of templates whose lists of files are remembered. They never change. */
const MAX_VERSIONS = 1_000;

/** What the browser loads for the parts of jobs, and the files that the steps after it need. */
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
  of(part: StoredPart, context: ContentContext): Promise<Content> {
    return patiently(() => this.#load(part, context), context.signal);
  }

  /** The bytes of a part that is a PDF already. @throws CodedError as {@link of} */
  pdf(part: StoredPart, context: ContentContext): Promise<FinishingFile> {
    const { source, position } = part;
    if (source.kind !== 'pdf') throw new Error(`the source ${source.kind} is no PDF`);
    const { job, file = '' } = source.value;
    return patiently(async () => {
      if (job !== undefined) return { name: job, chunks: await this.#fileOfJob(job, context) };
      const { byName } = await partAssets(this.#options.db, { ...context, position });
      return { name: file, chunks: await this.#read(byName.get(file), context, this.#most(context)) };
    }, context.signal);
  }

  /** The files that a job's result needs. @throws CodedError as {@link of} */
  files({ position, hasFiles }: StoredResult, context: ContentContext): Promise<FinishingFile[]> {
    return patiently(async () => {
      if (!hasFiles) return [];
      const { byName } = await partAssets(this.#options.db, { ...context, position });
      const files: FinishingFile[] = [];
      let left = this.#left(context);
      for (const [name, asset] of byName) {
        files.push({ name, chunks: await this.#read(asset, context, left) });
        left -= asset.size;
      }
      return files;
    }, context.signal);
  }

  /** Bytes that the job may still have: all that is read of it is in memory at once. @throws CodedError if there are none */
  #left({ takenBytes = 0 }: ContentContext): number {
    const { maxTotalBytes } = this.#options.caps;
    if (takenBytes < maxTotalBytes) return maxTotalBytes - takenBytes;
    throw new CodedError('pdf_too_large', `the PDFs of the parts have ${takenBytes} bytes together; allowed: ${maxTotalBytes}`); // prettier-ignore
  }

  /** Bytes of the next PDF, at most. */
  #most(context: ContentContext): number {
    return Math.min(this.#options.caps.maxBytes, this.#left(context));
  }

  async #read(asset: Asset | undefined, { userId }: ContentContext, maxBytes: number): Promise<Uint8Array[]> {
    if (!asset) throw new CodedError('job_failed', 'a file of the document is no longer kept');
    if (asset.size > maxBytes)
      throw new CodedError('pdf_too_large', `a file has ${asset.size} bytes; allowed: ${maxBytes}`);
    const { content } = await this.#options.assets.open(userId, asset);
    return content instanceof Uint8Array ? [content] : collect(content as AsyncIterable<Uint8Array>);
  }

  async #fileOfJob(jobId: string, context: ContentContext): Promise<Uint8Array[]> {
    const { db, stores } = this.#options;
    const { userId } = context;
    const maxBytes = this.#most(context);
    const about = `the job ${jobId} of the source`;
    try {
      const found = await getJobFile(db, { userId, jobId, position: 0 });
      if (found.size > maxBytes)
        throw new CodedError('pdf_too_large', `the PDF has ${found.size} bytes; allowed: ${maxBytes}`);
      const store = stores.of(found);
      if (!store) throw new CodedError('unavailable', 'a PDF is in a store that this service cannot reach now');
      return await collect(store.open(db, { userId, fileId: found.fileId, size: found.size }));
    } catch (error) {
      const code = error instanceof CodedError ? error.code : undefined;
      if (code === 'not_found' || code === 'job_not_ready' || code === 'file_expired')
        throw new CodedError('job_failed', `${about}: ${messageOf(error)}`, { cause: error });
      if (error instanceof PdfDamaged)
        throw new CodedError('job_failed', `${about}: its PDF is damaged`, { cause: error });
      throw error;
    }
  }

  async #load({ source, hasFiles, position, templateVersion, ...settings }: StoredPart, context: ContentContext) {
    const { db, assets, composer } = this.#options;
    const { userId, jobId, timeoutMs, signal } = context;
    this.#left(context);
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

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const piece of pieces) chunks.push(piece);
  return chunks;
}
