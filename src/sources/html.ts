import { htmlWithFiles } from './document-files.ts';
import type { SourceType } from './source-type.ts';

export const html: SourceType<'html'> = {
  shown: () => undefined,
  load: async (value, { files }) => htmlWithFiles(value, [files]),
};
