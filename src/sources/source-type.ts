import type { Files } from '../kernel/files.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';
import type { SourceKind, SourceOf } from '../domain/source.ts';
import type { FileSet } from '../egress/served-origin.ts';
import type { ComposeInput } from '../templating/compose-input.ts';

/** HTML, with the files beside it. */
interface HtmlContent {
  html: string;
  files?: FileSet | undefined;
  /** whether one of the files refers to a part of another, so that the document has to be where they are */
  isBound?: boolean;
  /**
   * An expression of ours that is evaluated when the document is as it was asked for, and that changes it for print. If
   * its value is a text, or a promise of one, the document fails with it.
   */
  arrange?: string | undefined;
}

/** What the browser loads: HTML, a URL, or a document that is one of its files, at an origin of its own. */
export type Content = HtmlContent | { url: string } | { html?: undefined; files: FileSet };

/** What a source may need to become a document. */
export interface LoadContext {
  settings: PrintSettings;
  /** the part's own files */
  files: Files | undefined;
  /** the files of a template's version, under a name that no other version has; undefined: a draft */
  version: { key: string; files: Files } | undefined;
  /** writes the HTML, in time */
  compose: (input: ComposeInput) => Promise<string>;
}

/** A kind of source. */
export interface SourceType<Kind extends SourceKind> {
  /** What may still be shown when the document is no longer needed: no part of it, and no secret. */
  shown(value: SourceOf<Kind>['value']): string | undefined;
  /** @throws CodedError if there is nothing to load */
  load(value: SourceOf<Kind>['value'], context: LoadContext): Promise<Content>;
}
