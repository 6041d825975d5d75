import type { SourceType } from './source-type.ts';

export const url: SourceType<'url'> = {
  shown: (value) => value.replace(/[?#].*$/s, ''),
  load: async (value) => ({ url: value }),
};
