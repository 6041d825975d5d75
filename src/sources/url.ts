import { shownUrl } from '../domain/shown-url.ts';
import type { SourceType } from './source-type.ts';

export const url: SourceType<'url'> = {
  shown: shownUrl,
  load: async (value) => ({ url: value }),
};
