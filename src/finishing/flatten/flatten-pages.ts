import { CodedError } from '../../kernel/errors.ts';
import type { Draft } from '../draft.ts';
import { PdfArray, PdfBool, PdfDict, PdfName, PdfNumber, type PdfObject, PdfRef, PdfStream } from '../libpdf.ts';
import { Source } from '../merge/source.ts';
import { qpdf } from '../qpdf.ts';
import { drawWidget } from './field-appearance.ts';
import { FormField } from './form-field.ts';
import { pruneTags } from './prune-tags.ts';
import { isWinAnsi } from './win-ansi.ts';

/** Nothing but the drawings is changed by it. */
const FLATTEN = ['--flatten-annotations=all', '--stream-data=preserve', '--object-streams=disable', '--newline-before-endstream']; // prettier-ignore
/** Of a value, in messages. */
const SHOWN = 40;

interface Annotation {
  object: PdfObject;
  dict: PdfDict;
  page: PdfDict;
  kind: string | undefined;
}

/**
 * Makes form fields and annotations part of their pages. Links stay links. Fields without a drawing of their value get
 * one. Annotations other than fields that have no drawing stay what they are: what they look like is the reader's.
 * @throws CodedError `finishing_invalid` for a value that cannot be drawn
 */
export async function flattenPages(drafts: Draft[]): Promise<Draft[]> {
  const flat: Draft[] = [];
  for (const draft of drafts) flat.push(await flattened(draft));
  return flat;
}

async function flattened(draft: Draft): Promise<Draft> {
  const source = new Source(await draft.document());
  const form = source.dict(source.catalog, 'AcroForm');
  const annotations = annotationsOf(source).filter(({ kind }) => kind !== 'Link');
  if (annotations.length === 0) {
    if (form) source.catalog.delete('AcroForm');
    return draft;
  }
  const needed = form && source.get(form, 'NeedAppearances');
  const isStale = needed instanceof PdfBool && needed.value;
  for (const annotation of annotations) if (annotation.kind === 'Widget') drawField(source, form, annotation, isStale);
  const going = annotations.filter(({ dict, kind }) => isGoing(source, dict, kind));
  const dicts = new Set(going.map(({ dict }) => dict));
  pruneTags(source, numbersOf(going), keysOf(source, going));
  // Windows of notes, and fields that show nothing, are not drawn: they only go.
  const undrawn = new Set(going.filter(({ dict }) => !source.dict(dict, 'AP')).map(({ dict }) => dict));
  for (const page of new Set(annotations.map((annotation) => annotation.page))) drop(source, page, undrawn);
  for (const dict of dicts) for (const stream of drawingsOf(source, dict)) asForm(stream);
  source.catalog.delete('AcroForm');
  const bytes = await draft.bytes();
  return draft.with(await qpdf(bytes, ['/in.pdf', ...FLATTEN, '/out.pdf']), { pages: draft.pages });
}

function annotationsOf(source: Source): Annotation[] {
  return source.pages.flatMap((_, index) => {
    const page = source.page(index);
    return source.annotations(index).flatMap((object): Annotation[] => {
      const dict = source.look(object);
      return dict instanceof PdfDict ? [{ object, dict, page, kind: source.name(dict, 'Subtype') }] : [];
    });
  });
}

/** Whether it becomes part of the page, or has nothing to show. */
function isGoing(source: Source, dict: PdfDict, kind: string | undefined): boolean {
  return kind === 'Widget' || kind === 'Popup' || source.dict(dict, 'AP') !== undefined;
}

/** Gives a field a drawing, if it has none that shows its value. */
function drawField(source: Source, form: PdfDict | undefined, { dict }: Annotation, isStale: boolean): void {
  const field = new FormField(source, form, dict);
  const drawings = source.dict(dict, 'AP');
  const isDrawn = drawings?.has('N') ?? false;
  const { kind } = field;
  const isText = kind === 'Tx' || kind === 'Ch';
  if (isDrawn && !(isText && isStale)) return;
  if (kind === 'Btn' && !field.has('pushButton') && !isOn(source, field, dict)) return void dict.delete('AP');
  if (kind !== 'Btn' && !isText) return;
  if (isText) {
    const bad = field.values.flatMap((value) => Array.from(value).filter((character) => character !== '\n' && !isWinAnsi(character)))[0]; // prettier-ignore
    if (bad !== undefined && isDrawn) return; // it is shown as the program that filled it in has drawn it
    if (bad !== undefined) throw undrawable(field, bad);
  }
  const drawing = source.document.register(drawWidget(source, field, dict));
  dict.set('AP', PdfDict.of({ N: drawing }));
  dict.delete('AS');
}

/** A button without a drawing is on if it says so itself, or its field does. */
function isOn(source: Source, field: FormField, dict: PdfDict): boolean {
  const state = source.name(dict, 'AS') ?? field.values[0];
  return state !== undefined && state !== 'Off';
}

function undrawable(field: FormField, character: string): CodedError {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const value = JSON.stringify((field.values[0] ?? '').slice(0, SHOWN));
  const name = JSON.stringify(field.name.slice(0, SHOWN));
  return new CodedError('finishing_invalid', `finishing.flatten: the form field ${name} has the value ${value} and no drawing of it, and there is no font for "${character}" (U+${code}); allowed: Windows-1252, or fields that the program that filled them in has drawn`); // prettier-ignore
}

const numbersOf = (annotations: readonly Annotation[]) =>
  new Set(annotations.flatMap(({ object }) => (object instanceof PdfRef ? [object.objectNumber] : [])));

const keysOf = (source: Source, annotations: readonly Annotation[]) =>
  new Set(annotations.flatMap(({ dict }) => source.number(dict, 'StructParent') ?? []));

function drop(source: Source, page: PdfDict, dicts: ReadonlySet<PdfDict>): void {
  const given = page.get('Annots');
  const list = source.look(given);
  if (!(list instanceof PdfArray)) return;
  const kept = list.toArray().filter((object) => !dicts.has(source.look(object) as PdfDict));
  if (kept.length === list.length) return;
  page.set('Annots', new PdfArray(kept));
}

function drawingsOf(source: Source, dict: PdfDict): PdfStream[] {
  const drawings = source.dict(dict, 'AP');
  const normal = drawings && source.get(drawings, 'N');
  if (normal instanceof PdfStream) return [normal];
  return normal instanceof PdfDict ? [...normal].flatMap(([, value]) => source.look(value) as PdfObject).filter((each) => each instanceof PdfStream) : []; // prettier-ignore
}

/** Without these it could not be drawn as part of a page. */
function asForm(stream: PdfStream): void {
  stream.set('Type', PdfName.of('XObject'));
  stream.set('Subtype', PdfName.of('Form'));
  if (!stream.has('BBox')) stream.set('BBox', new PdfArray([0, 0, 0, 0].map((value) => PdfNumber.of(value))));
}
