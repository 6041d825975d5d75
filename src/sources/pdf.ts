import type { SourceType } from './source-type.ts';

/** A PDF that is there already: its bytes are read (`jobs/part-content.ts`), and no browser loads it. */
export const pdf: SourceType<'pdf'> = {
  shown: ({ job }) => job,
  load: () => Promise.reject(new Error('a PDF is not loaded by the browser')),
};
