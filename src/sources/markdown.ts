import { documentLocale } from './document-locale.ts';
import { htmlWithFiles } from './document-files.ts';
import type { LoadContext, SourceType } from './source-type.ts';

export const markdown: SourceType<'markdown'> = {
  shown: () => undefined,
  load: async (text, context) => htmlWithFiles(await markdownToHtml(text, context), [context.files]),
};

/** @throws CodedError if it takes too long */
export function markdownToHtml(text: string, { settings, compose }: LoadContext): Promise<string> {
  const { allowHtml = false, styleSheet } = settings.markdownOptions ?? {};
  return compose({ kind: 'markdown', text, allowHtml, styleSheet, locale: documentLocale(settings) });
}
