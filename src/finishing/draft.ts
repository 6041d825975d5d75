import { PDF_TYPE } from '../domain/media-type.ts';
import { PDF } from './libpdf.ts';

interface DraftInput {
  bytes: Uint8Array;
  pages: number;
  /** whether anything in it was not written by our own browser */
  isUploaded?: boolean;
  /** media type; default: of a PDF */
  type?: string;
  /** which part of the job it is of, from 0; undefined: of several */
  part?: number | undefined;
}

/** A file between two steps: its bytes, or a PDF that is open, so that steps that edit it need not parse it again. */
export class Draft {
  readonly isUploaded: boolean;
  readonly type: string;
  readonly part: number | undefined;
  #bytes: Uint8Array | undefined;
  #document: PDF | undefined;
  #pages: number;

  constructor({ bytes, pages, isUploaded = false, type = PDF_TYPE, part }: DraftInput) {
    this.#bytes = bytes;
    this.#pages = pages;
    this.isUploaded = isUploaded;
    this.type = type;
    this.part = part;
  }

  /** A PDF that a step has made. */
  static of(document: PDF, { isUploaded, part }: Pick<DraftInput, 'part'> & { isUploaded: boolean }): Draft {
    const draft = new Draft({ bytes: new Uint8Array(), pages: document.getPageCount(), isUploaded, part });
    draft.#bytes = undefined;
    draft.#document = document;
    return draft;
  }

  get pages(): number {
    return this.#document?.getPageCount() ?? this.#pages;
  }

  /** To be edited: {@link bytes} has what becomes of it. */
  async document(): Promise<PDF> {
    this.#document ??= await PDF.load(this.#bytes ?? new Uint8Array());
    this.#bytes = undefined;
    return this.#document;
  }

  /** As it is now. */
  async bytes(): Promise<Uint8Array> {
    if (this.#bytes) return this.#bytes;
    // Appends what has changed: the whole is written anew by qpdf, ten times as fast.
    const saved = await this.#document?.save({ incremental: true });
    this.#pages = this.pages;
    this.#bytes = saved ?? new Uint8Array();
    this.#document = undefined; // it refers to what was saved before
    return this.#bytes;
  }

  /** The same file with other content. */
  with(bytes: Uint8Array, { pages = this.pages, type = this.type } = {}): Draft {
    return new Draft({ bytes, pages, isUploaded: this.isUploaded, type, part: this.part });
  }
}
