import type { ContentPlace } from './content-place.ts';
import type { ContentRules } from './content-rules.ts';
import { type Operation, operationsOf, OPERATORS } from './content-operators.ts';
import { isLargeReal } from './document-rules.ts';
import { type Around, MarkedContent } from './marked-content.ts';
import { PdfDictionary, PdfName, PdfStream, type PdfValue } from './pdf-value.ts';

/** What is set by operators and restored by Q. */
interface GraphicsState {
  fill: PdfValue;
  stroke: PdfValue;
  fillPattern: PdfDictionary | undefined;
  strokePattern: PdfDictionary | undefined;
  font: PdfDictionary | undefined;
  textMode: number;
}

const FORMS_DEEP = 20;
/** Of saved states in one stream. */
const MAX_STATES = 28;
const INITIAL: GraphicsState = {
  fill: new PdfName('DeviceGray'),
  stroke: new PdfName('DeviceGray'),
  fillPattern: undefined,
  strokePattern: undefined,
  font: undefined,
  textMode: 0,
};
const GRAY = new PdfName('DeviceGray');
const RGB = new PdfName('DeviceRGB');
const CMYK = new PdfName('DeviceCMYK');
const FILLS = new Set(['f', 'F', 'f*', 'b', 'B', 'b*', 'B*']);
const STROKES = new Set(['s', 'S', 'b', 'B', 'b*', 'B*']);

/** Walks the content of a page, and of the forms, patterns and glyphs that it shows. */
export class ContentWalker {
  readonly #rules: ContentRules;
  /** forms that were walked, with what was known of the content around them */
  readonly #walked = new Map<PdfDictionary, Set<string>>();
  #depth = 0;

  constructor(rules: ContentRules) {
    this.#rules = rules;
  }

  walk(place: ContentPlace, around?: Around): void {
    if (this.#depth >= FORMS_DEEP) return;
    this.#depth++;
    new StreamWalk(this.#rules, this, place, around).run();
    this.#depth--;
  }

  /** A form, unless it was walked with the same content around it. */
  walkForm(form: PdfStream, place: ContentPlace, around: Around): void {
    const key = around instanceof MarkedContent ? around.summary : '';
    let keys = this.#walked.get(form);
    if (!keys) this.#walked.set(form, (keys = new Set()));
    if (keys.has(key)) return;
    keys.add(key);
    const { file, states, findings } = this.#rules;
    states.checkForm(form, place.page);
    // PDF 1.4 lets a form use what the page has.
    const outer = findings.asksFor('A1 6.2.10-1') ? place.resources : undefined;
    const resources = form.dictionary('Resources') ?? outer;
    const structParents = form.number('StructParents');
    this.walk({ content: file.content(form), resources, page: place.page, structParents }, around);
  }
}

class StreamWalk {
  readonly #rules: ContentRules;
  readonly #walker: ContentWalker;
  readonly #place: ContentPlace;
  readonly #marked: MarkedContent;
  readonly #saved: GraphicsState[] = [];
  readonly #kinds = new Map<string, PdfDictionary | undefined>();
  /** whether numbers have the bounds of PDF 1.4 */
  readonly #isOld: boolean;
  #state: GraphicsState = { ...INITIAL };

  constructor(rules: ContentRules, walker: ContentWalker, place: ContentPlace, around: Around) {
    this.#rules = rules;
    this.#walker = walker;
    this.#place = place;
    this.#isOld = rules.findings.asksFor('A1 6.1.12-2');
    this.#marked = new MarkedContent(rules, place, around);
  }

  run(): void {
    for (const operation of operationsOf(this.#place.content, this.#rules.file.resolve)) this.#operation(operation);
  }

  #operation({ operator, operands }: Operation): void {
    const { findings, colours } = this.#rules;
    const { page } = this.#place;
    const state = this.#state;
    const last = operands.at(-1) ?? null;
    if (this.#isOld)
      for (const operand of operands)
        if (typeof operand === 'number' && isLargeReal(operand))
          findings.report('A1 6.1.12-2', `the content has the number ${operand}`, page);
    switch (operator) {
      case 'q':
        this.#saved.push({ ...state });
        if (this.#saved.length === MAX_STATES + 1)
          findings.report('6.1.13-8', `graphics states are nested more than ${MAX_STATES} deep`, page);
        return;
      case 'Q':
        this.#state = this.#saved.pop() ?? state;
        return;
      case 'g':
        state.fill = GRAY;
        return;
      case 'rg':
        state.fill = RGB;
        return;
      case 'k':
        state.fill = CMYK;
        return;
      case 'G':
        state.stroke = GRAY;
        return;
      case 'RG':
        state.stroke = RGB;
        return;
      case 'K':
        state.stroke = CMYK;
        return;
      case 'cs':
        state.fill = this.#colourSpace(last);
        return;
      case 'CS':
        state.stroke = this.#colourSpace(last);
        return;
      case 'scn':
        state.fillPattern = this.#named('Pattern', last);
        return;
      case 'SCN':
        state.strokePattern = this.#named('Pattern', last);
        return;
      case 'gs':
        this.#graphicsState(this.#named('ExtGState', last));
        return;
      case 'ri':
        this.#rules.states.checkIntent(last instanceof PdfName ? last.text : '', page);
        return;
      case 'Tf':
        state.font = this.#named('Font', operands[0] ?? null);
        return;
      case 'Tr':
        state.textMode = typeof last === 'number' ? last : 0;
        return;
      case 'Tj':
      case "'":
      case '"':
      case 'TJ':
        this.#text(last);
        return;
      case 'Do':
        this.#object(this.#named('XObject', last));
        return;
      case 'BI':
        this.#image(last as PdfDictionary, true);
        return;
      case 'sh': {
        const shading = this.#named('Shading', last);
        this.#marked.show('a shading');
        if (shading) colours.use(shading.get('ColorSpace'), this.#place);
        return;
      }
      case 'BMC':
      case 'BDC':
        this.#marked.begin(operands[0] ?? null, this.#properties(operator === 'BDC' ? last : null));
        return;
      case 'EMC':
        this.#marked.end();
        return;
      default:
        if (FILLS.has(operator)) this.#paint('fill');
        if (STROKES.has(operator)) this.#paint('stroke');
        if (!OPERATORS.has(operator)) findings.report('6.2.2-1', `the content has the operator ${operator}`, page);
    }
  }

  #properties(value: PdfValue): PdfDictionary | undefined {
    return value instanceof PdfDictionary ? value : this.#named('Properties', value);
  }

  #colourSpace(name: PdfValue): PdfValue {
    if (!(name instanceof PdfName)) return null;
    return this.#place.resources?.dictionary('ColorSpace')?.get(name.text) ?? name;
  }

  #named(kind: string, name: PdfValue): PdfDictionary | undefined {
    if (!(name instanceof PdfName)) return undefined;
    const { resources, page } = this.#place;
    if (!resources) {
      this.#rules.findings.report('6.2.2-2', `the content uses ${name.text} but has no resources of its own`, page);
      return undefined;
    }
    const key = `${kind} ${name.text}`;
    if (this.#kinds.has(key)) return this.#kinds.get(key);
    const found = resources.dictionary(kind)?.dictionary(name.text);
    this.#kinds.set(key, found);
    return found;
  }

  #graphicsState(settings: PdfDictionary | undefined): void {
    if (!settings) return;
    this.#rules.states.check(settings, this.#place.page);
    const font = settings.list('Font')?.[0];
    if (font instanceof PdfDictionary) this.#state.font = font;
  }

  #paint(which: 'fill' | 'stroke'): void {
    this.#marked.show('a drawing');
    this.#useColour(which);
  }

  #useColour(which: 'fill' | 'stroke'): void {
    const state = this.#state;
    this.#rules.colours.use(state[which], this.#place);
    const pattern = which === 'fill' ? state.fillPattern : state.strokePattern;
    if (pattern && isPattern(state[which])) this.#pattern(pattern);
  }

  #pattern(pattern: PdfDictionary): void {
    const shading = pattern.dictionary('Shading');
    if (shading) this.#rules.colours.use(shading.get('ColorSpace'), this.#place);
    if (pattern.dictionary('ExtGState')) this.#graphicsState(pattern.dictionary('ExtGState'));
    if (pattern instanceof PdfStream) this.#walker.walkForm(pattern, this.#place, this.#marked);
  }

  #text(value: PdfValue): void {
    const { font, textMode } = this.#state;
    const { page } = this.#place;
    const parts = (Array.isArray(value) ? value : [value]).filter((part) => part instanceof Uint8Array);
    if (parts.every((part) => part.length === 0)) return;
    this.#marked.show('text');
    if (textMode % 4 === 0 || textMode % 4 === 2) this.#useColour('fill');
    if (textMode % 4 === 1 || textMode % 4 === 2) this.#useColour('stroke');
    if (!font) return;
    const { actualText } = this.#marked.level;
    for (const bytes of parts) this.#rules.fonts.use(font, { bytes, page, isVisible: textMode !== 3, actualText });
    if (font.name('Subtype') === 'Type3') this.#glyphs(font);
  }

  #glyphs(font: PdfDictionary): void {
    const resources = font.dictionary('Resources') ?? this.#place.resources;
    for (const [, glyph] of font.dictionary('CharProcs')?.dictionaries() ?? [])
      if (glyph instanceof PdfStream && this.#rules.fonts.isNew(glyph))
        this.#walker.walk({ ...this.#place, content: this.#rules.file.content(glyph), resources, structParents: undefined }, this.#marked); // prettier-ignore
  }

  #object(object: PdfDictionary | undefined): void {
    if (!(object instanceof PdfStream)) return;
    const { states } = this.#rules;
    if (object.name('Subtype') === 'Image') this.#image(object, false);
    else if (object.name('Subtype') === 'Form') {
      this.#marked.showForm(object);
      this.#walker.walkForm(object, this.#place, this.#marked);
    } else states.checkForm(object, this.#place.page);
  }

  #image(image: PdfDictionary, isInline: boolean): void {
    const { images, colours } = this.#rules;
    this.#marked.show('an image');
    images.check(image, { page: this.#place.page, isInline });
    if (image.dictionary('SMask')) this.#rules.states.transparent.add(this.#place.page);
    if (image.get('ImageMask') === true) {
      this.#useColour('fill');
      return;
    }
    const space = image.get('ColorSpace');
    const isNamed = isInline && space instanceof PdfName;
    if (space !== null) colours.use(isNamed ? this.#colourSpace(inlineSpace(space)) : space, this.#place);
  }
}

const isPattern = (space: PdfValue): boolean =>
  (space instanceof PdfName && space.text === 'Pattern') ||
  (Array.isArray(space) && space[0] instanceof PdfName && space[0].text === 'Pattern');

const SHORT_SPACES: Record<string, string> = { G: 'DeviceGray', RGB: 'DeviceRGB', CMYK: 'DeviceCMYK', I: 'Indexed' };
const inlineSpace = (name: PdfName) => new PdfName(SHORT_SPACES[name.text] ?? name.text);
