import { PDF, PdfArray, PdfDict, PdfName, PdfNumber, type PdfObject, PdfRef, PdfStream, PdfString } from '../../src/finishing/libpdf.ts'; // prettier-ignore

// What a PDF refers to, read from its catalog with code of its own, so that it can say what is wrong in a file that was
// put together from others.

/** A bookmark as a line: its level, its title, and the page (from 1) to which it leads. */
interface Bookmark {
  level: number;
  title: string;
  page: number | undefined;
}

export interface Findings {
  /** what is wrong, in words */
  problems: string[];
  pages: number;
  bookmarks: Bookmark[];
  /** pages (from 1) of links within the PDF: where each is, and where it leads */
  links: { from: number; to: number }[];
  /** full names of the form's fields */
  fields: string[];
  labels: string[];
  /** attached files by name */
  files: Map<string, string>;
  /** elements with content, as `/Document/P` */
  tags: string[];
  /** the same, with their pages (from 1), in the order in which they are read */
  marked: { tag: string; page: number }[];
  streams: number;
}

const refText = (ref: PdfObject | undefined): string => (ref instanceof PdfRef ? ref.toString() : '');

const MOST = 1_000_000;

/** Reads a PDF and follows every reference in it. */
export async function inspectPdf(bytes: Uint8Array): Promise<Findings> {
  return new Inspection(await PDF.load(bytes)).run();
}

class Inspection {
  readonly #problems: string[] = [];
  readonly #marked: { tag: string; page: number }[] = [];
  readonly #pdf: PDF;
  readonly #catalog: PdfDict;
  readonly #pages: number[];

  constructor(pdf: PDF) {
    this.#pdf = pdf;
    this.#catalog = pdf.getCatalog();
    this.#pages = pdf.context.pages.getPages().map(({ objectNumber }) => objectNumber);
  }

  run(): Findings {
    const all = this.#everything();
    const links = this.#links();
    const fields = this.#fields();
    const tags = this.#structure();
    return {
      problems: this.#problems,
      pages: this.#pages.length,
      bookmarks: this.#bookmarks(),
      links,
      fields,
      labels: this.#labels(),
      files: this.#files(),
      tags,
      marked: this.#marked,
      streams: all.filter((object) => object instanceof PdfStream).length,
    };
  }

  #look(object: PdfObject | undefined): PdfObject | undefined {
    return object instanceof PdfRef ? (this.#pdf.getObject(object) ?? undefined) : object;
  }

  #get(dict: PdfDict | undefined, key: string): PdfObject | undefined {
    return this.#look(dict?.get(key));
  }

  #dict(dict: PdfDict | undefined, key: string): PdfDict | undefined {
    const value = this.#get(dict, key);
    return value instanceof PdfDict ? value : undefined;
  }

  #items(dict: PdfObject | undefined, key: string): PdfObject[] {
    if (!(dict instanceof PdfDict)) return [];
    const value = this.#get(dict, key);
    return value instanceof PdfArray ? value.toArray() : [];
  }

  #wrong(what: string): void {
    if (this.#problems.length < 20) this.#problems.push(what);
  }

  /** Every object that is reached; references to pages that are not in the tree, and to nothing, are wrong. */
  #everything(): PdfObject[] {
    const seen = new Set<number>();
    const found: PdfObject[] = [];
    const todo: PdfObject[] = [this.#catalog];
    const pages = new Set(this.#pages);
    for (let object = todo.pop(); object; object = todo.pop()) {
      if (object instanceof PdfRef) {
        if (seen.has(object.objectNumber)) continue;
        seen.add(object.objectNumber);
        const target = this.#look(object);
        if (!target || target.type === 'null') this.#wrong(`${object.toString()} is nothing`);
        else todo.push(target);
        if (target instanceof PdfDict && target.getName('Type')?.value === 'Page' && !pages.has(object.objectNumber))
          this.#wrong(`${object.toString()} is a page that is not among the pages`);
        continue;
      }
      found.push(object);
      if (object instanceof PdfDict) for (const [, value] of object) todo.push(value);
      if (object instanceof PdfArray) for (const item of object) todo.push(item);
      if (found.length > MOST) throw new Error('too much');
    }
    return found;
  }

  /** @returns from 1 */
  #pageOf(destination: PdfObject | undefined, what: string): number | undefined {
    const named = this.#look(destination);
    const found = named instanceof PdfArray ? named : this.#named(named);
    const page = found instanceof PdfArray ? found.at(0) : undefined;
    const index = page instanceof PdfRef ? this.#pages.indexOf(page.objectNumber) : -1;
    if (index < 0) this.#wrong(`${what} leads nowhere`);
    return index < 0 ? undefined : index + 1;
  }

  #named(name: PdfObject | undefined): PdfObject | undefined {
    if (name instanceof PdfName) return this.#get(this.#dict(this.#catalog, 'Dests'), name.value);
    if (!(name instanceof PdfString)) return undefined;
    const leaves = this.#leaves(this.#dict(this.#dict(this.#catalog, 'Names'), 'Dests'), 'Names');
    const found = this.#look(leaves.find(([key]) => (key as PdfString).asString() === name.asString())?.[1]);
    return found instanceof PdfDict ? this.#get(found, 'D') : found;
  }

  #bookmarks(): Bookmark[] {
    const found: Bookmark[] = [];
    const seen = new Set<PdfDict>();
    /** @returns how many are seen while it is open */
    const walk = (parent: PdfDict, parentRef: PdfRef | undefined, level: number): number => {
      let count = 0;
      let [previous, last]: [PdfRef | undefined, PdfRef | undefined] = [undefined, undefined];
      for (let ref = parent.getRef('First'); ref; ref = (this.#look(ref) as PdfDict).getRef('Next')) {
        const item = this.#look(ref) as PdfDict;
        if (seen.has(item)) throw new Error('an outline that does not end');
        seen.add(item);
        const title = item.getString('Title')?.asString() ?? '';
        if (item.getRef('Prev')?.objectNumber !== previous?.objectNumber) this.#wrong(`Prev of ${title}`);
        if (item.getRef('Parent')?.objectNumber !== parentRef?.objectNumber) this.#wrong(`Parent of ${title}`);
        const action = this.#dict(item, 'A');
        const target = action?.getName('S')?.value === 'GoTo' ? action.get('D') : item.get('Dest');
        found.push({ level, title, page: target && this.#pageOf(target, `the bookmark ${title}`) });
        const below = walk(item, ref, level + 1);
        const said = item.getNumber('Count')?.value ?? 0;
        if (Math.abs(said) !== below) this.#wrong(`Count of ${title} is ${said}, not ${below}`);
        count += 1 + Math.max(0, said);
        [previous, last] = [ref, ref];
      }
      if (parent.getRef('Last')?.objectNumber !== last?.objectNumber) this.#wrong('Last');
      return count;
    };
    const outlines = this.#dict(this.#catalog, 'Outlines');
    if (outlines) walk(outlines, this.#catalog.getRef('Outlines'), 1);
    return found;
  }

  #links(): Findings['links'] {
    return this.#pages.flatMap((page, index) =>
      this.#items(this.#look(PdfRef.of(page)) as PdfDict, 'Annots').flatMap((item) => {
        const link = this.#look(item) as PdfDict;
        const action = this.#dict(link, 'A');
        const target = action?.getName('S')?.value === 'GoTo' ? action.get('D') : link.get('Dest');
        if (link.getName('Subtype')?.value !== 'Link' || !target) return [];
        const to = this.#pageOf(target, `a link of page ${index + 1}`);
        return to === undefined ? [] : [{ from: index + 1, to }];
      }),
    );
  }

  #leaves(dict: PdfDict | undefined, key: 'Names' | 'Nums'): [PdfObject, PdfObject][] {
    if (!dict) return [];
    const own = this.#items(dict, key);
    const entries = own.flatMap((item, index): [PdfObject, PdfObject][] => index % 2 === 0 ? [[item, own[index + 1]!]] : []); // prettier-ignore
    return [...entries, ...this.#items(dict, 'Kids').flatMap((kid) => this.#leaves(this.#look(kid) as PdfDict, key))];
  }

  #files(): Map<string, string> {
    const tree = this.#dict(this.#dict(this.#catalog, 'Names'), 'EmbeddedFiles');
    return new Map(this.#leaves(tree, 'Names').map(([name, file]) => {
      const stream = this.#get(this.#dict(this.#look(file) as PdfDict, 'EF'), 'F') as PdfStream;
      return [(name as PdfString).asString(), Buffer.from(stream.getDecodedData()).toString()];
    })); // prettier-ignore
  }

  #labels(): string[] {
    const ranges = this.#leaves(this.#dict(this.#catalog, 'PageLabels'), 'Nums');
    if (ranges.length === 0) return [];
    return this.#pages.map((_, index) => {
      const [start, range] = ranges.findLast(([first]) => (first as PdfNumber).value <= index) ?? [];
      const dict = this.#look(range) as PdfDict;
      const number = (dict.getNumber('St')?.value ?? 1) + index - (start as PdfNumber).value;
      const style = dict.getName('S')?.value;
      return `${dict.getString('P')?.asString() ?? ''}${style ? `${style}${number}` : ''}`;
    });
  }

  #fields(): string[] {
    const names: string[] = [];
    const onPages = new Set(this.#pages.flatMap((page) => this.#items(this.#look(PdfRef.of(page)) as PdfDict, 'Annots').map(refText))); // prettier-ignore
    const walk = (ref: PdfObject, above: string, parent: string | undefined) => {
      const field = this.#look(ref) as PdfDict;
      const own = field.getString('T')?.asString();
      const name = [above, own].filter(Boolean).join('.');
      if (field.getRef('Parent')?.toString() !== parent) this.#wrong(`Parent of the field ${name}`);
      const kids = this.#items(field, 'Kids');
      if (field.has('Rect') && !onPages.has(refText(ref))) this.#wrong(`the field ${name} is on no page`);
      if (own !== undefined && !kids.some((kid) => (this.#look(kid) as PdfDict).has('T'))) names.push(name);
      for (const kid of kids) walk(kid, name, refText(ref));
    };
    for (const field of this.#items(this.#dict(this.#catalog, 'AcroForm'), 'Fields')) walk(field, '', undefined);
    if (new Set(names).size < names.length) this.#wrong(`fields have the same name: ${names.join(', ')}`);
    return names;
  }

  /** Walks the tags, and compares them with the numbers of pages and annotations. */
  #structure(): string[] {
    const root = this.#dict(this.#catalog, 'StructTreeRoot');
    if (!root) return [];
    const parents = new Map(this.#leaves(this.#dict(root, 'ParentTree'), 'Nums').map(([key, value]) => [(key as PdfNumber).value, value])); // prettier-ignore
    const ids = new Map(this.#leaves(this.#dict(root, 'IDTree'), 'Names').map(([id, element]) => [(id as PdfString).asString(), refText(element)])); // prettier-ignore
    const seen = new Set<string>();
    const tags: string[] = [];
    const marked = new Set<string>();
    const headers: string[] = [];
    const check = (kid: PdfObject, element: PdfRef, path: string, page: PdfRef | undefined) => {
      const content = this.#look(kid);
      const own = content instanceof PdfDict ? (content.getRef('Pg') ?? page) : page;
      const mcid = content instanceof PdfNumber ? content : content instanceof PdfDict ? content.getNumber('MCID') : undefined; // prettier-ignore
      const object = content instanceof PdfDict ? content.getRef('Obj') : undefined;
      const key = object
        ? (this.#look(object) as PdfDict | undefined)?.getNumber('StructParent')
        : (this.#look(own) as PdfDict | undefined)?.getNumber('StructParents');
      const entry = key && parents.get(key.value);
      const list = this.#look(entry);
      const back = mcid && list instanceof PdfArray ? list.at(mcid.value) : entry;
      if (refText(back) !== refText(element))
        this.#wrong(`${path} ${refText(element)} is not found by its number: ${refText(back)}`);
      if (mcid && own) {
        const id = `${own.objectNumber}/${mcid.value}`;
        if (marked.has(id)) this.#wrong(`${path} marks what is marked already`);
        marked.add(id);
      }
      tags.push(path);
      if (own) this.#marked.push({ tag: path, page: this.#pages.indexOf(own.objectNumber) + 1 });
    };
    const walk = (ref: PdfRef, parent: string, above: string) => {
      const element = this.#look(ref) as PdfDict;
      if (seen.has(refText(ref))) throw new Error('tags that do not end');
      seen.add(refText(ref));
      const path = `${above}/${element.getName('S')?.value}`;
      if (refText(element.getRef('P')) !== parent)
        this.#wrong(`P of ${path} is ${refText(element.getRef('P'))}, not ${parent}`);
      const id = element.getString('ID')?.asString();
      if (id !== undefined && ids.get(id) !== refText(ref)) this.#wrong(`${path} is not found by its id ${id}`);
      const attributes = this.#get(element, 'A');
      for (const item of attributes instanceof PdfArray ? attributes : attributes ? [attributes] : [])
        headers.push(...this.#items(this.#look(item), 'Headers').map((header) => (header as PdfString).asString()));
      const kids = this.#get(element, 'K');
      for (const kid of kids instanceof PdfArray ? kids : element.has('K') ? [element.get('K')!] : []) {
        const found = this.#look(kid);
        if (found instanceof PdfDict && found.has('S') && kid instanceof PdfRef) walk(kid, refText(ref), path);
        else check(kid, ref, path, element.getRef('Pg'));
      }
    };
    const top = root.get('K');
    const list = this.#look(top);
    for (const kid of list instanceof PdfArray ? list : [top]) if (kid instanceof PdfRef) walk(kid, refText(this.#catalog.getRef('StructTreeRoot')), ''); // prettier-ignore
    for (const header of headers) if (!ids.has(header)) this.#wrong(`no cell has the id ${header}`);
    if (ids.size > 0 && [...ids.values()].some((element) => !seen.has(element))) this.#wrong('an id of no element');
    for (const [key, value] of parents) {
      const list = this.#look(value);
      for (const each of list instanceof PdfArray ? list : [value])
        if (each instanceof PdfRef && !seen.has(refText(each))) this.#wrong(`number ${key} is of no element`);
    }
    return tags;
  }
}
