import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import {
  type PDF,
  PdfArray,
  PdfDict,
  PdfName,
  PdfNumber,
  type PdfObject,
  PdfRef,
  PdfStream,
  PdfString,
} from '../libpdf.ts';
import { settleInfo } from './info.ts';
import { formatPdfDate } from './pdf-date.ts';

/** A file that goes into a PDF. */
export interface EmbeddedFile {
  name: string;
  bytes: Uint8Array;
  mediaType: string;
  relationship: string;
  description?: string | undefined;
}

/** Levels of a name tree that are read, and entries: more only damaged files have. */
const MAX_LEVELS = 20;
const MAX_ENTRIES = 10_000;

type Entry = [name: PdfString, file: PdfObject];

/** The files inside a PDF, as its catalog lists them. */
export class EmbeddedFiles {
  readonly #pdf: PDF;
  readonly #entries: Entry[] = [];
  readonly #resolve = (ref: PdfRef) => this.#pdf.context.resolve(ref);

  constructor(pdf: PDF) {
    this.#pdf = pdf;
    const names = pdf.context.catalog.getDict().getDict('Names', this.#resolve);
    const tree = names?.getDict('EmbeddedFiles', this.#resolve);
    if (tree) this.#read(tree, 0);
  }

  #read(node: PdfDict, level: number): void {
    const names = node.getArray('Names', this.#resolve);
    for (let index = 0; names && index + 1 < names.length && this.#entries.length < MAX_ENTRIES; index += 2) {
      const name = names.at(index, this.#resolve);
      const file = names.at(index + 1);
      if (name instanceof PdfString && file) this.#entries.push([name, file]);
    }
    const kids = level < MAX_LEVELS ? node.getArray('Kids', this.#resolve) : undefined;
    for (let index = 0; kids && index < kids.length && this.#entries.length < MAX_ENTRIES; index++) {
      const kid = kids.at(index, this.#resolve);
      if (kid instanceof PdfDict) this.#read(kid, level + 1);
    }
  }

  /** How files are named: in the tree, and by themselves. */
  get names(): Set<string> {
    const names = new Set<string>();
    for (const [name, file] of this.#entries) {
      names.add(name.asString());
      const specification = this.#dictionary(file);
      for (const key of ['F', 'UF']) names.add(specification?.getString(key, this.#resolve)?.asString() ?? '');
    }
    return names;
  }

  /** Adds a file whose name is not taken. */
  add(file: EmbeddedFile): void {
    const { modified } = settleInfo(this.#pdf, Date.now());
    const compressed = deflateSync(file.bytes);
    const isSmaller = compressed.length < file.bytes.length;
    const stream = PdfStream.fromDict(
      {
        Type: PdfName.of('EmbeddedFile'),
        Subtype: PdfName.of(file.mediaType),
        Params: PdfDict.of({
          Size: PdfNumber.of(file.bytes.length),
          ModDate: PdfString.fromString(formatPdfDate(modified)),
          CheckSum: PdfString.fromBytes(createHash('md5').update(file.bytes).digest()),
        }),
        ...(isSmaller && { Filter: PdfName.of('FlateDecode') }),
      },
      isSmaller ? compressed : file.bytes,
    );
    const content = this.#pdf.context.register(stream);
    const name = PdfString.fromString(file.name);
    const specification = PdfDict.of({
      Type: PdfName.of('Filespec'),
      F: name,
      UF: name,
      AFRelationship: PdfName.of(file.relationship),
      ...(file.description !== undefined && { Desc: PdfString.fromString(file.description) }),
      EF: PdfDict.of({ F: content, UF: content }),
    });
    const reference = this.#pdf.context.register(specification);
    this.#entries.push([name, reference]);
    this.#associate(reference);
  }

  /** What PDF/A-3 and PDF/UA want of files that came with the pages. */
  complete(): void {
    for (const [index, [name, file]] of this.#entries.entries()) {
      const specification = this.#dictionary(file);
      if (!specification) continue;
      if (!specification.has('Type')) specification.set('Type', PdfName.of('Filespec'));
      const own = specification.get('UF', this.#resolve) ?? specification.get('F', this.#resolve) ?? name;
      for (const key of ['F', 'UF']) if (!specification.has(key)) specification.set(key, own);
      if (!specification.has('AFRelationship')) specification.set('AFRelationship', PdfName.of('Unspecified'));
      for (const [, entry] of specification.getDict('EF', this.#resolve) ?? []) {
        const stream = entry instanceof PdfRef ? this.#resolve(entry) : entry;
        if (stream instanceof PdfStream && !stream.has('Subtype'))
          stream.set('Subtype', PdfName.of('application/octet-stream'));
      }
      const reference = file instanceof PdfRef ? file : this.#pdf.context.register(specification);
      this.#entries[index] = [name, reference];
      this.#associate(reference);
    }
    if (this.#entries.length > 0) this.save();
  }

  #associate(file: PdfRef): void {
    const catalog = this.#pdf.context.catalog.getDict();
    const files = catalog.getArray('AF', this.#resolve) ?? new PdfArray();
    if ([...files].includes(file)) return;
    files.push(file);
    if (!catalog.has('AF')) catalog.set('AF', files);
  }

  /** Writes the tree: one leaf, sorted by the bytes of the names. */
  save(): void {
    const catalog = this.#pdf.context.catalog.getDict();
    const names = catalog.getDict('Names', this.#resolve) ?? new PdfDict();
    const sorted = this.#entries.toSorted(([a], [b]) => Buffer.compare(a.bytes, b.bytes));
    names.set('EmbeddedFiles', this.#pdf.context.register(PdfDict.of({ Names: PdfArray.of(...sorted.flat()) })));
    if (!catalog.has('Names')) catalog.set('Names', names);
  }

  #dictionary(object: PdfObject): PdfDict | undefined {
    const resolved = object instanceof PdfRef ? this.#resolve(object) : object;
    return resolved instanceof PdfDict ? resolved : undefined;
  }
}
