import type { SourceType } from './source-type.ts';

export const html: SourceType<'html'> = {
  shown: () => undefined,
  load: async (value) => ({ html: value }),
};
