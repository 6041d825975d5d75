import { wantedLocale } from '../domain/locale.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';

const DEFAULT_LOCALE = 'en-US';

/** The language that a document is written in, the same as its scripts see. */
export function documentLocale(settings: PrintSettings): string {
  return wantedLocale(settings) ?? DEFAULT_LOCALE;
}
