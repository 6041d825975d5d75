/** The canonical form of a language tag (BCP 47); undefined if it is invalid or the language is unknown. */
export function canonicalLocale(tag: string): string | undefined {
  try {
    const [locale] = Intl.getCanonicalLocales(tag);
    return locale !== undefined && Intl.DateTimeFormat.supportedLocalesOf(locale).length > 0 ? locale : undefined;
  } catch {
    return undefined;
  }
}

/** The canonical name of a time zone (IANA); undefined if there is none, as for an offset. */
export function canonicalTimezone(name: string): string | undefined {
  if (/^[+-]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The language that a document is asked for in: `locale`, or that of an `Accept-Language` header. */
export function wantedLocale({ locale, setExtraHTTPHeaders }: LocaleSettings): string | undefined {
  return locale === undefined ? acceptedLocale(setExtraHTTPHeaders) : canonicalLocale(locale);
}

interface LocaleSettings {
  locale?: string | undefined;
  /** one for some URLs only says nothing about the document */
  setExtraHTTPHeaders?: Record<string, string | object> | undefined;
}

/** The preferred language of an `Accept-Language` header, if it is known. */
function acceptedLocale(headers: Record<string, string | object> = {}): string | undefined {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'accept-language')?.[1];
  const value = typeof found === 'string' ? found : '';
  const languages = value.split(',').map((language) => {
    const [tag = '', ...parameters] = language.split(';').map((part) => part.trim());
    const quality = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2);
    return { tag, quality: quality === undefined ? 1 : Number(quality) };
  });
  const [first] = languages.filter(({ quality }) => quality > 0).toSorted((a, b) => b.quality - a.quality);
  return first && canonicalLocale(first.tag);
}
