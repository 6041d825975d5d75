import type { ParsedTemplate } from './parsed-template.ts';

const MAX_TEMPLATES = 200;
/** Characters of all of them. Parsed, each takes about ten times as many bytes. */
const MAX_LENGTH = 2_000_000;

/** The templates that were used last, parsed. */
export class RecentTemplates {
  /** the one that was used last comes last */
  readonly #templates = new Map<string, ParsedTemplate>();
  #length = 0;

  get(key: string): ParsedTemplate | undefined {
    const found = this.#templates.get(key);
    if (!found) return undefined;
    this.#templates.delete(key);
    this.#templates.set(key, found);
    return found;
  }

  keep(key: string, template: ParsedTemplate): void {
    this.#length += template.length;
    this.#templates.set(key, template);
    for (const [oldest, { length }] of this.#templates) {
      if (this.#templates.size <= MAX_TEMPLATES && this.#length <= MAX_LENGTH) return;
      this.#templates.delete(oldest);
      this.#length -= length;
    }
  }
}
