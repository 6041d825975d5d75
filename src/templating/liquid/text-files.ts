import type { FS } from 'liquidjs';
import { Mistake, suggestion } from './template-failure.ts';

/** In this order, where a name leaves it out. */
const EXTENSIONS = ['.html', '.liquid', '.md'];

/** The template's own files, and nothing else, as LiquidJS looks for layouts and partials. */
export class TextFiles implements Pick<FS, 'existsSync' | 'readFileSync' | 'resolve' | 'dirname' | 'sep'> {
  readonly #texts: ReadonlyMap<string, string>;
  readonly sep = '/';

  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(Object.entries(texts).filter(([path]) => EXTENSIONS.some((end) => path.endsWith(end))));
  }

  /** The path of a file as the template names it. @throws Mistake if there is none */
  resolve(folder: string, name: string): string {
    const segments = folder === '' ? [] : folder.split('/');
    for (const segment of name.split('/')) {
      if (segment === '..' && segments.pop() === undefined)
        throw new Mistake(`${quoted(name)} is outside the template`);
      if (segment !== '.' && segment !== '..' && segment !== '') segments.push(segment);
    }
    const path = segments.join('/');
    const found = [path, ...EXTENSIONS.map((extension) => path + extension)].find((each) => this.#texts.has(each));
    if (found !== undefined) return found;
    const known = [...this.#texts.keys()];
    const near =
      suggestion(path, known) ||
      suggestion(
        path,
        known.map((each) => each.replace(/\.\w+$/, '')),
      );
    throw new Mistake(`the template has no file ${quoted(name)}${near}`);
  }

  existsSync(path: string): boolean {
    return this.#texts.has(path);
  }

  readFileSync(path: string): string {
    return this.#texts.get(path) ?? '';
  }

  dirname(path: string): string {
    return path.slice(0, Math.max(0, path.lastIndexOf('/')));
  }
}

const quoted = (name: string) => JSON.stringify(name.slice(0, 100));
