import { PdfArray, type PdfDict, PdfName, PdfNumber, type PdfObject, PdfStream, PdfString } from '../libpdf.ts';
import type { Source } from '../merge/source.ts';

/** Fields above a widget; more are a loop. */
const MAX_LEVELS = 100;
/** Options of a list that are looked at. */
const MAX_OPTIONS = 10_000;
/** Characters of a value that are shown, at most: a page has no place for more. */
const MAX_LENGTH = 100_000;

/** Bits of `/Ff` */
const FLAGS = { multiline: 12, password: 13, radio: 15, pushButton: 16, combo: 17, comb: 24 } as const;

/** A form field as one of its widgets shows it. */
export class FormField {
  readonly #source: Source;
  readonly #form: PdfDict | undefined;
  /** the widget, and the fields above it */
  readonly #levels: PdfDict[] = [];

  constructor(source: Source, form: PdfDict | undefined, widget: PdfDict) {
    this.#source = source;
    this.#form = form;
    for (let level: PdfDict | undefined = widget; level && this.#levels.length < MAX_LEVELS; level = source.dict(level, 'Parent')) this.#levels.push(level); // prettier-ignore
  }

  /** `Tx`, `Btn`, `Ch` or `Sig` */
  get kind(): string | undefined {
    const kind = this.#find('FT');
    return kind instanceof PdfName ? kind.value : undefined;
  }

  /** With the names above it, as messages name it. */
  get name(): string {
    const names = this.#levels.flatMap((level) => this.#source.string(level, 'T')?.asString() ?? []);
    return names.toReversed().join('.');
  }

  has(flag: keyof typeof FLAGS): boolean {
    return ((this.#number('Ff') ?? 0) & (1 << FLAGS[flag])) !== 0;
  }

  /** Text, or the options that are chosen as they are shown. */
  get values(): string[] {
    const value = this.#find('V');
    const values = value instanceof PdfArray ? value.toArray().slice(0, MAX_OPTIONS) : [value];
    const texts = values.flatMap((each) => textOf(this.#source.look(each)) ?? []);
    if (this.kind !== 'Ch') return texts.slice(0, 1);
    const shown = new Map(this.options.map(({ exported, text }) => [exported, text]));
    return texts.map((text) => shown.get(text) ?? text);
  }

  get options(): { exported: string; text: string }[] {
    const list = this.#find('Opt');
    const items = list instanceof PdfArray ? list.toArray().slice(0, MAX_OPTIONS) : [];
    return items.flatMap((item) => {
      const found = this.#source.look(item);
      const pair = found instanceof PdfArray ? [found.at(0), found.at(1)] : [found, found];
      const [exported, text] = pair.map((each) => textOf(this.#source.look(each)));
      return exported === undefined ? [] : [{ exported, text: text ?? exported }];
    });
  }

  /** The option at the top of a list. */
  get firstOption(): number {
    return Math.max(0, Math.trunc(this.#number('TI') ?? 0));
  }

  /** Its operators of font, size and colour. */
  get defaultAppearance(): string {
    const found = this.#find('DA') ?? (this.#form && this.#source.get(this.#form, 'DA'));
    return found instanceof PdfString ? found.asString() : '';
  }

  /** 0: left, 1: middle, 2: right */
  get alignment(): number {
    return this.#number('Q') ?? (this.#form && this.#source.number(this.#form, 'Q')) ?? 0;
  }

  /** Cells of a comb, or characters of text at most. */
  get maxLength(): number | undefined {
    return this.#number('MaxLen');
  }

  /** Name of the font that the form has below `name`. */
  baseFont(name: string): string | undefined {
    const fonts = this.#source.dict(this.#source.dict(this.#form, 'DR'), 'Font');
    return this.#source.name(this.#source.dict(fonts, name), 'BaseFont');
  }

  #find(key: string): PdfObject | undefined {
    for (const level of this.#levels) if (level.has(key)) return this.#source.get(level, key);
    return undefined;
  }

  #number(key: string): number | undefined {
    const found = this.#find(key);
    return found instanceof PdfNumber ? found.value : undefined;
  }
}

function textOf(object: PdfObject | undefined): string | undefined {
  if (object instanceof PdfString) return normal(object.asString());
  if (object instanceof PdfName) return object.value;
  if (!(object instanceof PdfStream)) return undefined;
  try {
    return normal(new PdfString(object.getDecodedData().slice(0, 2 * MAX_LENGTH)).asString());
  } catch {
    return undefined;
  }
}

/** Accents joined to their letters, and one kind of line break. */
const normal = (text: string): string =>
  text.slice(0, MAX_LENGTH).normalize('NFC').replaceAll(/\r\n?/g, '\n').replaceAll('\t', ' ');
