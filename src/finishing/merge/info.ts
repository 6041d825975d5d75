import { type PDF, PdfDict, PdfName, PdfString } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';

const KEYS = ['Title', 'Author', 'Subject', 'Keywords', 'Creator', 'Producer', 'CreationDate', 'ModDate', 'Trapped'];

type Text = PdfString | PdfName | undefined;

/** The Info of the new PDF: what all parts agree on, and the newest dates. A part alone keeps what else it has. */
export class Info {
  readonly #found = new Map<string, { value: Text; areSame: boolean; newest: Text }>();
  #others = new Map<string, PdfString | PdfName>();
  #version = '1.7';
  #parts = 0;

  add(parts: readonly PartCopy[]): void {
    for (const { source } of parts) {
      this.#parts++;
      if (Number(source.document.version) > Number(this.#version)) this.#version = source.document.version;
      for (const key of KEYS) {
        const value = toText(source.info && source.get(source.info, key));
        const before = this.#found.get(key) ?? { value, areSame: true, newest: value };
        const areSame = before.areSame && textOf(value) === textOf(before.value);
        const newest = textOf(value) > textOf(before.newest) ? value : before.newest;
        this.#found.set(key, { value: before.value, areSame, newest });
      }
      this.#others = new Map();
      if (this.#parts > 1) continue;
      for (const [{ value: key }, value] of source.info ?? []) {
        const text = toText(source.look(value));
        if (text) this.#others.set(key, text);
      }
    }
  }

  writeTo(target: PDF): void {
    target.upgradeVersion(this.#version);
    const ref = target.context.info.trailer.getRef('Info');
    const info = ref && target.getObject(ref); // libpdf keeps the one that it has made
    if (!(info instanceof PdfDict)) throw new Error('libpdf has made no Info');
    for (const key of info.keys()) info.delete(key);
    for (const [key, { newest, areSame }] of this.#found)
      if (newest && (areSame || key.endsWith('Date'))) info.set(key, newest);
    for (const [key, value] of this.#others) if (!info.has(key)) info.set(key, value);
  }
}

const toText = (value: unknown): Text => (value instanceof PdfString || value instanceof PdfName ? value : undefined);

const textOf = (value: Text): string => (value instanceof PdfString ? value.asString() : (value?.value ?? ''));
