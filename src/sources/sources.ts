import type { Source, SourceKind } from '../domain/source.ts';
import { CodedError } from '../kernel/errors.ts';
import { html } from './html.ts';
import type { Content, SourceType } from './source-type.ts';
import { url } from './url.ts';

const TYPES: { [Kind in SourceKind]: SourceType<Kind> } = { html, url };

/** @throws CodedError for a kind of another release: parts are stored with whatever kind they have */
function typeOf({ kind }: Source): SourceType<SourceKind> {
  if (!Object.hasOwn(TYPES, kind))
    throw new CodedError('job_failed', `source: this release has none of the kind ${kind as string}`);
  return TYPES[kind];
}

/** What the browser loads for a part. @throws CodedError if there is nothing to load */
export async function loadSource(source: Source): Promise<Content> {
  return typeOf(source).load(source.value);
}

/** What may still be shown of a source when its document is no longer needed. */
export function shownSource(source: Source): string | undefined {
  return typeOf(source).shown(source.value);
}
