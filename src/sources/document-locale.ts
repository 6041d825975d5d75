import { acceptedLocale, canonicalLocale } from '../domain/locale.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';

const DEFAULT_LOCALE = 'en-US';

/** The language that a document is written in, the same as its scripts see. */
export function documentLocale({ locale, setExtraHTTPHeaders }: PrintSettings): string {
  const wanted = locale === undefined ? acceptedLocale(setExtraHTTPHeaders) : canonicalLocale(locale);
  return wanted ?? DEFAULT_LOCALE;
}
