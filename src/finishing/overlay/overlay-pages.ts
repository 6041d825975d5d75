import { CodedError } from '../../kernel/errors.ts';
import { Draft } from '../draft.ts';
import { PDF, PdfDict, PdfName, PdfNumber, type PdfObject, type PdfRef, PdfStream } from '../libpdf.ts';
import type { Sheet, StepContext } from '../step.ts';
import { rewriteUpload } from '../uploads/rewrite-upload.ts';
import { type LayerForm, LayerForms } from './layer-form.ts';
import { type OverlaySettings, pagesWith, type PlacedLayer } from './layers.ts';
import { surround } from './page-content.ts';
import { placement } from './placement.ts';
import { after, inherited, type Matrix, pageGeometry, resolved } from './page-geometry.ts';

/** A layer and the pages of it. */
interface Loaded {
  layer: PlacedLayer;
  pdf: PDF;
  isUploaded: boolean;
  /** pages that get it, from 1, by how many a draft has */
  pagesOf: (total: number) => readonly number[];
}

/** Puts the layers over and under pages of the drafts, each of which is counted from 1. @throws CodedError */
export async function overlayPages(
  drafts: Draft[],
  { layers }: OverlaySettings,
  context: StepContext,
): Promise<Draft[]> {
  const loaded: Loaded[] = [];
  const totals = drafts.map(({ pages }) => pages);
  for (const layer of layers) loaded.push(await load(layer, totals, context));
  const done: Draft[] = [];
  let before = 0;
  for (const draft of drafts) {
    const pdf = await draft.document();
    const pages = pdf.getPages();
    const placed = loaded.map((each) => ({ ...each, formOf: formsByPage(each, { before, total: pages.length }) }));
    const overlay = new Overlay(pdf, placed, { isTrusted: !draft.isUploaded });
    const areForeign = pages.map((page, index) => overlay.draw(page.dict, index + 1));
    const isUploaded = draft.isUploaded || areForeign.includes(true);
    done.push(isUploaded === draft.isUploaded ? draft : Draft.of(pdf, { isUploaded, part: draft.part }));
    before += pages.length;
  }
  return done;
}

async function load(layer: PlacedLayer, totals: readonly number[], { files }: StepContext): Promise<Loaded> {
  const bytes = files.get(layer.file);
  if (!bytes) throw new Error(`the file of ${layer.field} is missing`);
  const isUploaded = layer.source === 'pdf';
  const upload = { field: `${layer.field}.pdf`, takesPassword: false };
  const whole = isUploaded ? (await rewriteUpload(bytes, upload)).bytes : bytes;
  const pdf = await PDF.load(whole);
  if (layer.source === 'pdf' && layer.page !== 'same' && layer.page > pdf.getPageCount())
    throw new CodedError('finishing_invalid', `${layer.field}.page: ${layer.page}; ${layer.file} has ${pdf.getPageCount()}`); // prettier-ignore
  const pagesOf = layer.source === 'pdf' ? pagesWith(layer, totals) : () => [];
  return { layer, pdf, isUploaded, pagesOf };
}

/**
 * Which page of a layer a page of a draft gets, from 0; undefined: none.
 * @param counted `before`: pages of the drafts before this one
 */
function formsByPage(
  { layer, pdf, pagesOf }: Loaded,
  { before, total }: { before: number; total: number },
): (page: number) => number | undefined {
  if (layer.source === 'printed') return (page) => layer.pageOf[before + page - 1] ?? undefined;
  const selected = new Set(pagesOf(total));
  const last = pdf.getPageCount();
  return (page) => (selected.has(page) ? Math.min(layer.page === 'same' ? page : layer.page, last) - 1 : undefined);
}

type Placed = Loaded & { formOf: (page: number) => number | undefined };

/** What a page gets from one layer. */
interface Drawn {
  /** of its resource */
  name: string;
  form: LayerForm;
  opacity: number;
}

/** Draws layers on the pages of one PDF. */
class Overlay {
  readonly #pdf: PDF;
  readonly #placed: (Placed & { forms: LayerForms; name: string })[];
  readonly #isTrusted: boolean;
  readonly #streams = new Map<string, PdfRef>();
  readonly #states = new Map<number, PdfRef>();
  /** shared resources with what was added, by what they were */
  readonly #extended = new Map<PdfObject, Map<string, PdfRef>>();

  constructor(pdf: PDF, placed: readonly Placed[], { isTrusted }: { isTrusted: boolean }) {
    this.#pdf = pdf;
    this.#isTrusted = isTrusted;
    const isGroup = (opacity: number) => opacity < 1;
    this.#placed = placed.map((each, index) => ({
      ...each,
      name: `Layer${index}`,
      forms: new LayerForms(each.pdf, pdf, { isGroup: isGroup(each.layer.opacity) }),
    }));
  }

  /** @param number the page's, from 1 @returns whether it gets anything of an uploaded PDF */
  draw(page: PdfDict, number: number): boolean {
    const mine = this.#placed.flatMap((each) => {
      const index = each.formOf(number);
      return index === undefined ? [] : [{ ...each, form: each.forms.at(index) }];
    });
    if (mine.length === 0) return false;
    const { sheet, fromSheet } = pageGeometry(this.#pdf, page);
    const own = resolved(this.#pdf, inherited(this.#pdf, page, 'Resources'));
    const resources = own instanceof PdfDict ? own : new PdfDict();
    const prefix = this.#prefixFor(resources);
    const drawn = mine.map((each): Drawn & { operators: string; isUnder: boolean } => {
      const { form, layer } = each;
      const name = `${prefix}${each.name}`;
      const own = layer.source === 'pdf' ? placement(form.sheet, sheet, layer.place) : stretched(form.sheet, sheet);
      const matrix = after(own, fromSheet);
      const state = layer.opacity < 1 ? `/${prefix}Opacity${layer.opacity} gs ` : '';
      const operators = `q ${state}${matrix.map(short).join(' ')} cm /${name} Do Q\n`;
      return { name, form, opacity: layer.opacity, operators, isUnder: layer.isUnder };
    });
    const artifact = (isUnder: boolean) => {
      const operators = drawn.filter((each) => each.isUnder === isUnder).map((each) => each.operators);
      return operators.length === 0 ? '' : `/Artifact BMC\n${operators.join('')}EMC\n`;
    };
    page.set('Resources', this.#extend(resources, drawn, prefix, isShared(page, resources)));
    surround(this.#pdf, page, { isTrusted: this.#isTrusted }, (missing) => ({
      before: this.#stream(`${artifact(true)}q\n`),
      after: this.#stream(`\n${missing}Q\n${artifact(false)}`),
    }));
    return mine.some(({ isUploaded }) => isUploaded);
  }

  /** Names that the page does not use. */
  #prefixFor(resources: PdfDict): string {
    const taken = ['XObject', 'ExtGState'].flatMap((kind) => {
      const entries = resolved(this.#pdf, resources.get(kind));
      return entries instanceof PdfDict ? [...entries.keys()].map(({ value }) => value) : [];
    });
    let prefix = 'Pdfprompt';
    while (taken.some((name) => name.startsWith(prefix))) prefix += 'x';
    return prefix;
  }

  /** The resources of a page and what it gets. Those that pages share stay so if they get the same. */
  #extend(resources: PdfDict, drawn: readonly Drawn[], prefix: string, isSharedByPages: boolean): PdfObject {
    const make = () => {
      const made = resources.clone();
      const add = (kind: string, entries: [string, PdfRef][]) => {
        if (entries.length === 0) return;
        const before = resolved(this.#pdf, made.get(kind));
        const dict = before instanceof PdfDict ? before.clone() : new PdfDict();
        for (const [name, ref] of entries) dict.set(name, ref);
        made.set(kind, dict);
      };
      add('XObject', drawn.map(({ name, form }) => [name, form.ref])); // prettier-ignore
      const states = drawn.filter(({ opacity }) => opacity < 1);
      add('ExtGState', states.map(({ opacity }) => [`${prefix}Opacity${opacity}`, this.#state(opacity)])); // prettier-ignore
      return made;
    };
    if (!isSharedByPages) return make();
    const known = this.#extended.get(resources) ?? new Map<string, PdfRef>();
    this.#extended.set(resources, known);
    const key = drawn.map(({ name, form }) => `${name} ${form.ref.objectNumber}`).join();
    return kept(known, key, () => this.#pdf.register(make()));
  }

  #state(opacity: number): PdfRef {
    const alpha = PdfNumber.of(opacity);
    return kept(this.#states, opacity, () =>
      this.#pdf.register(PdfDict.of({ Type: PdfName.of('ExtGState'), ca: alpha, CA: alpha })),
    );
  }

  #stream(operators: string): PdfRef {
    return kept(this.#streams, operators, () =>
      this.#pdf.register(new PdfStream([], Buffer.from(operators, 'latin1'))),
    );
  }
}

/** Whether the resources are not in the page itself. */
const isShared = (page: PdfDict, resources: PdfDict) => page.get('Resources') !== resources;

function kept<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** As large as the sheet: what was printed for it is so but for a rounding. */
const stretched = (from: Sheet, to: Sheet): Matrix => [to.width / from.width, 0, 0, to.height / from.height, 0, 0];

/** As few digits as nobody sees. Never with an exponent, which PDF has not. */
const short = (value: number) => String(Number(value.toFixed(5)) || 0);
