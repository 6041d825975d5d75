import { Mistake, suggestion } from './template-failure.ts';

type Entry = string | { [key: string]: Entry };

const FILE = /^locales\/([\w-]{2,40})\.json$/;

/** The strings of a template, by language, from its `locales/*.json`. */
export class Strings {
  readonly #languages = new Map<string, Entry>();

  /** @throws Mistake */
  constructor(texts: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(texts)) {
      const language = FILE.exec(path)?.[1];
      if (language !== undefined) this.#languages.set(language.toLowerCase(), parse(path, text));
    }
  }

  /**
   * The string of a key with dots: of `de-AT`, or else of `de`, or else of `en`.
   * @param count picks among the plural forms `zero`, `one`, `two`, `few`, `many`, `other` of the entry, if it has them
   * @throws Mistake
   */
  find(key: string, locale: string, count: number | undefined): string {
    for (const language of fallbacks(locale)) {
      const entry = at(this.#languages.get(language), key);
      if (typeof entry === 'string') return entry;
      if (entry === undefined) continue;
      const form = count === undefined ? undefined : pick(entry, count, language);
      if (form !== undefined) return form;
      const needs =
        count === undefined ? 'a group; it needs count, or a key within it' : 'without the plural form other';
      throw new Mistake(`t: "${key.slice(0, 100)}" is ${needs}`);
    }
    const known = [...this.#languages.values()].flatMap((entry) => [...keysOf(entry)]);
    throw new Mistake(`t: no language of "${locale}" has a string "${key.slice(0, 100)}"${suggestion(key, known)}`);
  }
}

function fallbacks(locale: string): string[] {
  const parts = locale.toLowerCase().split('-');
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('-')), 'en'];
}

function at(entry: Entry | undefined, key: string): Entry | undefined {
  let found = entry;
  for (const name of key.split('.')) {
    if (typeof found !== 'object' || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

function pick(forms: { [key: string]: Entry }, count: number, language: string): string | undefined {
  const form = new Intl.PluralRules(language).select(count);
  const found = Object.hasOwn(forms, form) ? forms[form] : Object.hasOwn(forms, 'other') ? forms.other : undefined;
  return typeof found === 'string' ? found : undefined;
}

function* keysOf(entry: Entry, prefix = ''): Generator<string> {
  if (typeof entry === 'string') return void (yield prefix);
  for (const [name, inner] of Object.entries(entry)) yield* keysOf(inner, prefix === '' ? name : `${prefix}.${name}`);
}

function parse(path: string, text: string): Entry {
  try {
    return check(JSON.parse(text), path, '');
  } catch (error) {
    if (error instanceof SyntaxError) throw new Mistake(`${path} is not JSON`);
    throw error;
  }
}

function check(value: unknown, path: string, key: string): Entry {
  if (typeof value === 'string' && key !== '') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Mistake(`${path}: ${key === '' ? 'must be an object' : `"${key.slice(0, 100)}" must be a string, or an object of strings`}`); // prettier-ignore
  for (const [name, inner] of Object.entries(value)) check(inner, path, key === '' ? name : `${key}.${name}`);
  return value as Entry;
}
