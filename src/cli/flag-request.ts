import { basename } from 'node:path';
import type { FieldProblem } from '../kernel/errors.ts';

/** A request that flags write into: what they set, from which files, and which of them a field comes from. */
export class FlagRequest {
  readonly json: Record<string, unknown>;
  /** paths on disk, by the names that the request has for them */
  readonly files = new Map<string, string>();
  /** Resolves with the password. @throws UsageError */
  readonly password: () => Promise<string>;
  /** that writes now */
  flag = '';
  readonly #flags = new Map<string, string>();

  constructor(json: Record<string, unknown>, password = () => Promise.resolve('')) {
    this.json = structuredClone(json);
    this.password = password;
  }

  /** @param path such as `finishing.properties.title` */
  set(path: string, value: unknown): void {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let at = this.json;
    for (const name of names) {
      const isObject = typeof at[name] === 'object' && at[name] !== null && !Array.isArray(at[name]);
      at = (at[name] = isObject ? at[name] : {}) as Record<string, unknown>;
    }
    at[last] = value;
    this.#flags.set(path, this.flag);
  }

  /** Adds an item to a list. */
  add(path: string, item: unknown): void {
    const before = path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], this.json); // prettier-ignore
    const list = before === undefined || before === null ? [] : [before].flat();
    this.set(path, [...list, item]);
    this.#flags.delete(path);
    this.#flags.set(`${path}[${list.length}]`, this.flag);
  }

  /** The name that a file on disk has in the request. */
  file(path: string): string {
    const name = basename(path);
    for (let count = 1; ; count++) {
      const free = count === 1 ? name : `${count}-${name}`;
      const taken = this.files.get(free);
      if (taken !== undefined && taken !== path) continue;
      this.files.set(free, path);
      return free;
    }
  }

  /** A file that a document finds by this name. */
  fileAt(name: string, path: string): void {
    if (!this.files.has(name)) this.files.set(name, path);
  }

  /** What is said of a problem: the flag if one has set the field, or something in it; otherwise the field. */
  textOf({ field, message }: FieldProblem): string {
    const isWithin = (inner: string, outer: string) =>
      inner === outer || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));
    const paths = [...this.#flags];
    const from = paths.find(([path]) => isWithin(field, path)) ?? paths.find(([path]) => isWithin(path, field));
    return `${from ? from[1] : field}: ${message}`;
  }
}
