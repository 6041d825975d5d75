import type { SourceKind, SourceOf } from '../domain/source.ts';

/** What the browser loads: HTML, or a URL. */
export type Content = { html: string } | { url: string };

/** A kind of source. */
export interface SourceType<Kind extends SourceKind> {
  /** What may still be shown when the document is no longer needed: no part of it, and no secret. */
  shown(value: SourceOf<Kind>['value']): string | undefined;
  /** @throws CodedError if there is nothing to load */
  load(value: SourceOf<Kind>['value']): Promise<Content>;
}
