/** Names of which each may be there once. */
export class FreeNames {
  readonly #taken = new Set<string>();
  /** where to go on counting */
  readonly #numbers = new Map<string, number>();

  /** @returns the name, or if it is taken the first that is not: `name_2`, `name_3`, or for files `name_2.csv` */
  take(name: string): string {
    const dot = name.lastIndexOf('.');
    const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    let number = this.#numbers.get(name) ?? 1;
    let free = name;
    while (this.#taken.has(free)) free = `${stem}_${++number}${ending}`;
    this.#numbers.set(name, number);
    this.#taken.add(free);
    return free;
  }
}
