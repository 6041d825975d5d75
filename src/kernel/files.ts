import type { Readable } from 'node:stream';

/** A file that was opened. Its content is read once. */
export interface OpenedFile {
  /** media type, as the header `Content-Type` has it */
  type: string;
  /** bytes */
  size: number;
  content: Uint8Array | Readable;
}

/** The files of a folder, by their paths in it: `fonts/Inter Bold.woff2` (`domain/file-name.ts`). */
export interface Files {
  /** the same key, the same files: it is known to nobody else; undefined if they may change */
  readonly key?: string | undefined;
  readonly names: readonly string[];
  /** Resolves with undefined if there is no such file. */
  open(name: string): Promise<OpenedFile | undefined>;
}
