import type { SourceKind, SourceOf } from '../domain/source.ts';
import type { FileSet } from '../egress/served-origin.ts';

/** What the browser loads: HTML, a URL, or a document with its files, at an origin of its own. */
export type Content = { html: string } | { url: string } | { files: FileSet };

/** A kind of source. */
export interface SourceType<Kind extends SourceKind> {
  /** What may still be shown when the document is no longer needed: no part of it, and no secret. */
  shown(value: SourceOf<Kind>['value']): string | undefined;
  /** @throws CodedError if there is nothing to load */
  load(value: SourceOf<Kind>['value']): Promise<Content>;
}
