import type { Source, SourceKind } from '../domain/source.ts';
import { CodedError } from '../kernel/errors.ts';
import { files } from './files.ts';
import { html } from './html.ts';
import { markdown } from './markdown.ts';
import { pdf } from './pdf.ts';
import type { Content, LoadContext, SourceType } from './source-type.ts';
import { template } from './template.ts';
import { url } from './url.ts';

const TYPES: { [Kind in SourceKind]: SourceType<Kind> } = { html, url, markdown, template, pdf, files };

/** @throws CodedError for a kind of another release: parts are stored with whatever kind they have */
function typeOf({ kind }: Source): SourceType<SourceKind> {
  if (!Object.hasOwn(TYPES, kind))
    throw new CodedError('job_failed', `source: this release has none of the kind ${kind as string}`);
  return TYPES[kind];
}

/** What the browser loads for a part. @throws CodedError if there is nothing to load */
export async function loadSource(source: Source, context: LoadContext): Promise<Content> {
  return typeOf(source).load(source.value, context);
}

/** What the browser loads for a part without files, of a kind that is a document already. */
export function plainContent({ kind, value }: Source): Content {
  if (kind === 'html') return { html: value };
  if (kind === 'url') return { url: value };
  throw new Error(`the content of a source of the kind ${kind} has to be given`);
}

/** What may still be shown of a source when its document is no longer needed. */
export function shownSource(source: Source): string | undefined {
  return typeOf(source).shown(source.value);
}
