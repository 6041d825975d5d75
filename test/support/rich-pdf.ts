import { PDF, PdfArray, PdfBool, PdfDict, PdfName, PdfNumber, type PdfObject, type PdfRef, PdfStream, PdfString } from '../../src/finishing/libpdf.ts'; // prettier-ignore

/** What is in a PDF that {@link richPdf} makes, as plain data. Pages are counted from 0. */
export interface RichModel {
  pages: number;
  /** undefined: leads nowhere, or out of the PDF */
  links: { from: number; to: number | undefined }[];
  bookmarks: { title: string; page: number; children: { title: string; page: number }[] }[];
  /** one for each page, or none at all */
  labels: string[];
  files: Map<string, string>;
  /** its name, and the pages on which it is shown */
  fields: { name: string; pages: number[] }[];
  /** pages of the rows of its table; each has a cell with text and an empty one */
  rows: number[];
}

export type Random = (below: number) => number;

/** The same numbers for the same seed. */
export function seeded(seed: number): Random {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const name = (value: string) => PdfName.of(value);
const text = (value: string) => PdfString.fromString(value);
const number = (value: number) => PdfNumber.of(value);
const list = (items: PdfObject[]) => new PdfArray(items);
const dict = (entries: Record<string, PdfObject>) => PdfDict.of(entries);

/** A PDF with some of everything that a merge has to keep: all of it at random, all of it valid. */
export async function richPdf(random: Random): Promise<{ bytes: Uint8Array; model: RichModel }> {
  const pdf = PDF.create();
  const add = (object: PdfObject) => pdf.context.register(object);
  const catalog = pdf.getCatalog();
  const total = 1 + random(6);
  const font = add(dict({ Type: name('Font'), Subtype: name('Type1'), BaseFont: name('Helvetica') }));
  const contents = Array.from({ length: total }, (_, page) => `BT /F1 12 Tf 20 20 Td /P <</MCID 0>> BDC (page ${page}) Tj EMC ET`); // prettier-ignore
  const pages = contents.map(() => pdf.addPage({ size: 'a4' }));
  const refs = pages.map((page) => page.ref);
  const dicts = refs.map((ref) => pdf.getObject(ref) as PdfDict);
  const root = pdf.getObject(catalog.getRef('Pages')!) as PdfDict;
  root.set('Resources', dict({ Font: dict({ F1: font }) }));
  root.set('MediaBox', list([0, 0, 300, 400].map(number)));
  for (const [index, page] of dicts.entries()) {
    page.delete('MediaBox');
    page.delete('Resources');
    page.set('StructParents', number(index));
  }
  const annotations = dicts.map((): PdfObject[] => []);
  const model: RichModel = {
    pages: total,
    links: [],
    bookmarks: [],
    labels: [],
    files: new Map(),
    fields: [],
    rows: [],
  };
  const aPage = () => random(total);
  const at = (page: number) => list([refs[page]!, name('XYZ'), number(0), number(400), number(0)]);

  // named destinations of both kinds
  const dests = new PdfDict();
  const tree: PdfObject[] = [];
  for (let page = 0; page < total; page++) {
    dests.set(`old${page}`, at(page));
    tree.push(text(`new${page}`), random(2) === 0 ? at(page) : add(dict({ D: at(page) })));
  }
  catalog.set('Dests', add(dests));
  const names = dict({ Dests: dict({ Kids: list([add(dict({ Names: list(tree), Limits: list([tree[0]!, tree.at(-2)!]) }))]) }) }); // prettier-ignore
  catalog.set('Names', names);
  const target = (page: number): PdfObject => [at(page), name(`old${page}`), text(`new${page}`)][random(3)]!;

  // tags: Document / P for each page, links, a table over several pages
  const structRoot = dict({ Type: name('StructTreeRoot') });
  const structRef = add(structRoot);
  catalog.set('StructTreeRoot', structRef);
  catalog.set('MarkInfo', dict({ Marked: PdfBool.TRUE }));
  const element = (type: string, parent: PdfRef, entries: Record<string, PdfObject> = {}): [PdfRef, PdfDict] => {
    const made = dict({ Type: name('StructElem'), S: name(type), P: parent, ...entries });
    return [add(made), made];
  };
  const [documentRef, document] = element('Document', structRef);
  structRoot.set('K', documentRef);
  const kids: PdfObject[] = [];
  const parents: [number, PdfObject][] = [];
  const mcids: PdfObject[][] = refs.map(() => []);
  const mark = (type: string, page: number, parent: PdfRef, entries: Record<string, PdfObject> = {}) => {
    const [ref] = element(type, parent, { Pg: refs[page]!, K: number(mcids[page]!.length), ...entries });
    mcids[page]!.push(ref);
    return ref;
  };
  for (let page = 0; page < total; page++) kids.push(mark(random(2) === 0 ? 'P' : 'Custom', page, documentRef));
  structRoot.set('RoleMap', dict({ Custom: name(['P', 'Sect', 'Div'][random(3)]!) }));
  const [tableRef, table] = element('Table', documentRef);
  const rows = Array.from({ length: random(5) }, aPage).toSorted((a, b) => a - b);
  model.rows = rows;
  const ids: PdfObject[] = [];
  const rowRefs = rows.map((page, index) => {
    const [rowRef, row] = element('TR', tableRef);
    const id = text(`cell${index}`);
    const cell = mark('TH', page, rowRef, { ID: id });
    ids.push(id, cell);
    const attributes = dict({ O: name('Table'), Headers: list([text(`cell${random(index + 1)}`)]) });
    const [empty] = element('TD', rowRef, { A: random(2) === 0 ? attributes : list([attributes, dict({ O: name('Table'), RowSpan: number(1) })]) }); // prettier-ignore
    row.set('K', list([cell, empty]));
    return rowRef;
  });
  table.set('K', list(rowRefs));
  if (rows.length > 0) kids.push(tableRef);
  if (ids.length > 0) structRoot.set('IDTree', dict({ Names: list(ids) }));

  // links
  for (let count = random(6); count > 0; count--) {
    const [from, to] = [aPage(), aPage()];
    const kind = random(5);
    const way: Record<string, PdfObject> =
      kind === 0 ? { A: dict({ S: name('GoTo'), D: target(to) }) }
      : kind === 1 ? { A: dict({ S: name('URI'), URI: text('https://example.com') }) }
      : kind === 2 ? { Dest: text('missing') }
      : { Dest: target(to) }; // prettier-ignore
    const key = total + parents.length;
    const link = add(dict({ Type: name('Annot'), Subtype: name('Link'), Rect: list([0, 0, 9, 9].map(number)), P: refs[from]!, StructParent: number(key), ...way })); // prettier-ignore
    annotations[from]!.push(link);
    const [linkRef] = element('Link', documentRef, { K: dict({ Type: name('OBJR'), Obj: link, Pg: refs[from]! }) });
    kids.push(linkRef);
    parents.push([key, linkRef]);
    if (kind !== 1) model.links.push({ from, to: kind === 2 ? undefined : to });
  }
  document.set('K', list(kids));
  const nums = [...mcids.map((elements, page): [number, PdfObject] => [page, list(elements)]), ...parents];
  structRoot.set('ParentTree', dict({ Nums: list(nums.flatMap(([key, value]) => [number(key), value])) }));

  addOutline();
  function addOutline(): void {
    const top = dict({ Type: name('Outlines') });
    const topRef = add(top);
    const chain = (parent: PdfDict, parentRef: PdfRef, items: { title: string; page: number }[]) => {
      const made = items.map(({ title, page }) => dict({ Title: text(title), Parent: parentRef, Dest: target(page) }));
      const madeRefs = made.map(add);
      for (const [index, item] of made.entries()) {
        if (madeRefs[index - 1]) item.set('Prev', madeRefs[index - 1]!);
        if (madeRefs[index + 1]) item.set('Next', madeRefs[index + 1]!);
      }
      if (!madeRefs[0]) return [];
      parent.set('First', madeRefs[0]);
      parent.set('Last', madeRefs.at(-1)!);
      parent.set('Count', number(items.length));
      return made.map((item, index): [PdfDict, PdfRef] => [item, madeRefs[index]!]);
    };
    const item = (title: string) => ({ title, page: aPage() });
    model.bookmarks = Array.from({ length: random(4) }, (_, index) => ({
      ...item(`Chapter ${index}`),
      children: Array.from({ length: random(3) }, (_, child) => item(`Section ${index}.${child} – ü`)),
    }));
    const made = chain(top, topRef, model.bookmarks);
    for (const [index, { children }] of model.bookmarks.entries()) chain(...made[index]!, children);
    if (model.bookmarks.length > 0) catalog.set('Outlines', topRef);
  }

  if (random(2) === 0) {
    const change = 1 + random(total);
    const front = Array.from({ length: Math.min(change, total) }, (_, index) => `r${index + 1}`);
    model.labels = [...front, ...Array.from({ length: total - front.length }, (_, index) => `A-D${index + 5}`)];
    const entries: PdfObject[] = [number(0), dict({ S: name('r') })];
    if (change < total) entries.push(number(change), dict({ S: name('D'), P: text('A-'), St: number(5) }));
    catalog.set('PageLabels', dict({ Nums: list(entries) }));
  }

  const files: PdfObject[] = [];
  for (const title of ['a.csv', 'b.txt'].slice(0, random(3))) {
    const content = `content ${random(3)}`;
    model.files.set(title, content);
    const stream = add(new PdfStream([['Type', name('EmbeddedFile')]], Buffer.from(content)));
    files.push(
      text(title),
      add(dict({ Type: name('Filespec'), F: text(title), UF: text(title), EF: dict({ F: stream }) })),
    );
  }
  if (files.length > 0) names.set('EmbeddedFiles', dict({ Names: list(files) }));

  addForm();
  function addForm(): void {
    const fields: PdfRef[] = [];
    for (const title of ['name', 'date', 'amount'].slice(0, random(4))) {
      const field = dict({ FT: name('Tx'), T: text(title), V: text('value') });
      const ref = add(field);
      const shown = Array.from({ length: 1 + random(2) }, aPage);
      const widgets = shown.map((page) => {
        const widget = add(dict({ Type: name('Annot'), Subtype: name('Widget'), Rect: list([9, 9, 99, 29].map(number)), Parent: ref, P: refs[page]! })); // prettier-ignore
        annotations[page]!.push(widget);
        return widget;
      });
      field.set('Kids', list(widgets));
      model.fields.push({ name: title, pages: shown });
      fields.push(ref);
    }
    const resources = dict({ Font: dict({ Helv: random(2) === 0 ? font : add(dict({ Type: name('Font'), Subtype: name('Type1'), BaseFont: name('Courier') })) }) }); // prettier-ignore
    if (fields.length > 0)
      catalog.set('AcroForm', dict({ Fields: list(fields), DR: resources, DA: text('/Helv 10 Tf') }));
  }

  for (const [index, page] of dicts.entries()) {
    page.set('Contents', add(new PdfStream([], Buffer.from(contents[index]!))));
    if (annotations[index]!.length > 0) page.set('Annots', list(annotations[index]!));
  }
  return { bytes: await pdf.save(), model };
}
