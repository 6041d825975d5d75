import { CodedError } from '../../kernel/errors.ts';
import type { Draft } from '../draft.ts';
import { PdfName, takeObjects } from '../libpdf.ts';
import { ObjectWriter } from '../write/object-writer.ts';
import { reachable } from '../write/reachable.ts';
import { Assembly, titleOf } from './assembly.ts';
import { PageTree } from './page-tree.ts';
import { Source } from './source.ts';

/** A document of a merge, without its bytes. */
export interface MergedDocument {
  /** for messages: `row 7` */
  what: string;
  /** for its bookmark; null: its own title */
  title: string | null;
  /** instead of a title, if the document has none either */
  name: string;
  /** whether it has no bookmark of its own: it goes on with the document before it */
  isContinued: boolean;
}

/** What its header says, before it is known what comes. */
const VERSION = '1.7';

/**
 * One PDF of any number of documents, written while they come: what is in memory are the documents that are being added,
 * and of all others only what they have in common, and their places. Links lead from page to page of a document.
 */
export class GrowingMerge {
  readonly #assembly = new Assembly({
    isMerge: true,
    areLinked: false,
    placePage: (ref, page) => this.#pages.add(ref, page),
  });
  readonly #pages = new PageTree(this.#assembly.target);
  readonly #writer = new ObjectWriter({
    version: VERSION,
    objectStreams: true,
    nextNumber: () => this.#assembly.target.context.registry.allocateRef().objectNumber,
  });

  /**
   * @returns the next bytes of the PDF, and the number of pages that were added
   * @throws CodedError if a document cannot be read
   */
  async add(
    drafts: readonly Draft[],
    documents: readonly MergedDocument[],
  ): Promise<{ bytes: Uint8Array; pages: number }> {
    let pages = 0;
    for (const [index, document] of documents.entries()) {
      const source = await open(drafts[index], document);
      const { title, name, isContinued } = document;
      this.#assembly.add([{ source, title: title ?? titleOf(source) ?? name, isContinued }]);
      pages += source.pages.length;
    }
    this.#writer.add(takeObjects(this.#assembly.target));
    return { bytes: this.#writer.take(), pages };
  }

  /** The rest of its bytes. */
  finish(): Uint8Array {
    const { target } = this.#assembly;
    this.#assembly.finish();
    this.#pages.finish();
    const { info, registry } = target.context;
    if (info.version > VERSION) target.getCatalog().set('Version', PdfName.of(info.version));
    // What was written before is not there any more.
    this.#writer.add(reachable(info.trailer, (ref) => registry.resolve(ref)));
    return this.#writer.finish(info.trailer);
  }
}

async function open(draft: Draft | undefined, { what }: MergedDocument): Promise<Source> {
  const unreadable = (cause?: unknown) => new CodedError('job_failed', `${what}: its PDF cannot be read`, { cause });
  try {
    const document = await draft?.document();
    if (!document) throw unreadable();
    if (document.isEncrypted) throw new CodedError('job_failed', `${what}: its PDF is encrypted`);
    const source = new Source(document);
    if (source.pages.length === 0) throw unreadable();
    return source;
  } catch (error) {
    throw error instanceof CodedError ? error : unreadable(error);
  }
}
