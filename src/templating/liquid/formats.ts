import { Mistake } from './template-failure.ts';

/** Formats that are kept: they are slow to make. */
const MAX_FORMATS = 200;

const formats = new Map<string, unknown>();

/** A format of Intl, made once. They have no state. @throws Mistake if Intl does not accept the options */
export function format<Format>(
  Type: new (locale: string, options: object) => Format,
  locale: string,
  options: object,
): Format {
  const key = `${Type.name} ${locale} ${JSON.stringify(options)}`;
  const known = formats.get(key);
  if (known !== undefined) return known as Format;
  if (formats.size >= MAX_FORMATS) formats.clear();
  const made = make(Type, locale, options);
  formats.set(key, made);
  return made;
}

function make<Format>(Type: new (locale: string, options: object) => Format, locale: string, options: object): Format {
  try {
    return new Type(locale, options);
  } catch (error) {
    throw new Mistake(error instanceof Error ? error.message : 'is no format');
  }
}
