import type { ContentPlace } from './content-place.ts';
import type { ContentRules } from './content-rules.ts';
import type { PdfDictionary } from './pdf-value.ts';
import { PdfName, type PdfStream, type PdfValue } from './pdf-value.ts';

/** What is known of the content between a BDC and its EMC, with what is around it. */
interface Level {
  isArtifact: boolean;
  isTagged: boolean;
  hasLanguage: boolean;
  actualText: string | undefined;
}

const OUTSIDE: Level = { isArtifact: false, isTagged: false, hasLanguage: false, actualText: undefined };

/** What a stream is shown by. Annotations are tagged as such: their appearances need not be. */
export type Around = MarkedContent | 'annotation' | undefined;

/** The rules about what is tagged, and in what language it is. */
export class MarkedContent {
  readonly #rules: ContentRules;
  readonly #place: ContentPlace;
  readonly #levels: Level[] = [];
  readonly #around: Level;
  readonly #documentHasLanguage: boolean;
  /** forms that are tagged as one thing, so that they are shown once only */
  static readonly #taggedForms = new WeakMap<PdfStream, number>();

  constructor(rules: ContentRules, place: ContentPlace, around: Around) {
    this.#rules = rules;
    this.#place = place;
    this.#around = around === 'annotation' ? { ...OUTSIDE, isTagged: true } : (around?.level ?? OUTSIDE);
    this.#documentHasLanguage = rules.file.catalog.has('Lang');
  }

  get level(): Level {
    return this.#levels.at(-1) ?? this.#around;
  }

  /** For what differs in the content of a form by what is around it. */
  get summary(): string {
    const { isArtifact, isTagged, hasLanguage } = this.level;
    return `${isArtifact}${isTagged}${hasLanguage}`;
  }

  begin(tag: PdfValue, properties: PdfDictionary | undefined): void {
    const { findings, parents } = this.#rules;
    const { page, structParents } = this.#place;
    const outer = this.level;
    const isArtifact = tag instanceof PdfName && tag.text === 'Artifact';
    const mcid = properties?.number('MCID');
    const element = mcid === undefined ? undefined : parents.find(structParents, mcid);
    if (isArtifact && outer.isTagged) findings.report('UA 7.1-1', 'an artifact is within tagged content', page);
    if (element && outer.isArtifact) findings.report('UA 7.1-2', 'tagged content is within an artifact', page);
    const hasLanguage = outer.hasLanguage || (properties?.has('Lang') ?? false) || parents.hasLanguage(element);
    if (!hasLanguage && !this.#documentHasLanguage) this.#checkTexts(properties);
    const language = properties?.text('Lang');
    if (language !== undefined) checkLanguage(this.#rules, language, page);
    this.#levels.push({
      isArtifact: outer.isArtifact || isArtifact,
      isTagged: outer.isTagged || element !== undefined,
      hasLanguage,
      actualText: properties?.text('ActualText') ?? outer.actualText,
    });
  }

  end(): void {
    this.#levels.pop();
  }

  /** Something is shown here. */
  show(what: 'text' | 'a drawing' | 'an image' | 'a shading'): void {
    const { findings } = this.#rules;
    const { isArtifact, isTagged, hasLanguage } = this.level;
    if (!isArtifact && !isTagged)
      findings.report('UA 7.1-3', `${what} is neither tagged nor an artifact`, this.#place.page);
    if (what === 'text' && !isArtifact && !hasLanguage && !this.#documentHasLanguage)
      findings.report('UA 7.2-34', 'the language of text is unknown: write <html lang>', this.#place.page);
  }

  /** A form is shown here: one with tagged content of its own may be shown once. */
  showForm(form: PdfStream): void {
    if (form.number('StructParents') === undefined) return;
    const times = (MarkedContent.#taggedForms.get(form) ?? 0) + 1;
    MarkedContent.#taggedForms.set(form, times);
    if (times === 2) this.#rules.findings.report('UA 7.20-2', 'a form with tagged content is shown more than once', this.#place.page); // prettier-ignore
  }

  #checkTexts(properties: PdfDictionary | undefined): void {
    const { findings } = this.#rules;
    const { page } = this.#place;
    const report = (rule: 'UA 7.2-30' | 'UA 7.2-31' | 'UA 7.2-32', key: string) => {
      if (properties?.has(key)) findings.report(rule, `the language of ${key} of content is unknown: write <html lang>`, page); // prettier-ignore
    };
    report('UA 7.2-30', 'ActualText');
    report('UA 7.2-31', 'Alt');
    report('UA 7.2-32', 'E');
  }
}

const LANGUAGE = /^(?:[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*)$/;

export function checkLanguage({ findings }: Pick<ContentRules, 'findings'>, language: string, page?: number): void {
  if (!LANGUAGE.test(language)) findings.report('UA 7.2-29', `${JSON.stringify(language)} is no language tag`, page);
}
