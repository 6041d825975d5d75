import type { Source, SourceKind } from '../domain/source.ts';
import { html } from './html.ts';
import type { Content, SourceType } from './source-type.ts';
import { url } from './url.ts';

const TYPES: { [Kind in SourceKind]: SourceType<Kind> } = { html, url };

const typeOf = ({ kind }: Source) => TYPES[kind] as SourceType<SourceKind>;

/** What the browser loads for a part. @throws CodedError if there is nothing to load */
export function loadSource(source: Source): Promise<Content> {
  return typeOf(source).load(source.value);
}

/** What may still be shown of a source when its document is no longer needed. */
export function shownSource(source: Source): string | undefined {
  return typeOf(source).shown(source.value);
}
