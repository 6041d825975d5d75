/** A language tag (BCP 47) as the browser takes it, or undefined if it is none, or of a language that nobody knows here. */
export function canonicalLocale(tag: string): string | undefined {
  try {
    const [locale] = Intl.getCanonicalLocales(tag);
    return locale !== undefined && Intl.DateTimeFormat.supportedLocalesOf(locale).length > 0 ? locale : undefined;
  } catch {
    return undefined;
  }
}

/** The name of a time zone (IANA) as the browser takes it, or undefined if it is none. An offset is no name. */
export function canonicalTimezone(name: string): string | undefined {
  if (/^[+-]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The language that an `Accept-Language` header asks for first, if there is one that is known. */
export function acceptedLocale(headers: Record<string, string> = {}): string | undefined {
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === 'accept-language')?.[1] ?? '';
  const wishes = value.split(',').map((wish) => {
    const [tag = '', ...parameters] = wish.split(';').map((part) => part.trim());
    const quality = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2);
    return { tag, quality: quality === undefined ? 1 : Number(quality) };
  });
  const [first] = wishes.filter(({ quality }) => quality > 0).toSorted((a, b) => b.quality - a.quality);
  return first && canonicalLocale(first.tag);
}
