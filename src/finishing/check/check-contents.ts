import { ColourRules } from './colour-rules.ts';
import type { ContentRules } from './content-rules.ts';
import { ContentWalker } from './content-walker.ts';
import type { Findings } from './findings.ts';
import { checkFonts } from './font-rules.ts';
import { FontUses } from './font-uses.ts';
import { ImageRules } from './image-rules.ts';
import { inherited, type PdfFile } from './pdf-file.ts';
import { isDictionary, PdfDictionary, PdfStream } from './pdf-value.ts';
import { isTransparencyGroup, StateRules } from './state-rules.ts';
import { StructureParents } from './structure-parents.ts';

/** The rules about what pages show. */
export function checkContents(file: PdfFile, findings: Findings): void {
  const rules: ContentRules = {
    file,
    findings,
    colours: new ColourRules(file, findings),
    fonts: new FontUses(),
    images: new ImageRules(findings),
    states: new StateRules(findings),
    parents: new StructureParents(file),
  };
  const walker = new ContentWalker(rules);
  for (const [index, page] of file.pages.entries()) checkPage(rules, walker, page, index + 1);
  checkFonts(file, rules.fonts.fonts, findings);
}

function checkPage(rules: ContentRules, walker: ContentWalker, page: PdfDictionary, number: number): void {
  const { file, findings, colours, states } = rules;
  const resources = inherited(page, 'Resources');
  const place = { page: number, resources: resources instanceof PdfDictionary ? resources : undefined };
  const parts = page.all('Contents').filter((part) => part instanceof PdfStream);
  const content = parts.flatMap((part) => [file.content(part), new Uint8Array([10])]);
  const only = content.length === 2 ? content[0] : undefined;
  const structParents = page.number('StructParents');
  walker.walk({ ...place, content: only ?? Buffer.concat(content), structParents });
  for (const annotation of page.all('Annots').filter(isDictionary)) {
    checkAppearances(walker, annotation, number);
    const hasColour = ['C', 'IC'].some((key) => (annotation.list(key) ?? []).length > 0);
    if (hasColour && colours.outputSpace !== 'RGB ')
      findings.report('A1 6.5.3-3', 'an annotation has a colour, but the output intent is not of RGB', number);
  }
  if (isTransparencyGroup(page)) findings.report('A1 6.4-3', 'a page is a transparency group', number);
  const group = page.dictionary('Group');
  const space = group?.get('CS') ?? null;
  if (space !== null) colours.use(space, place);
  if (states.transparent.has(number) && colours.outputSpace === undefined && space === null)
    findings.report('6.2.10-2', 'the page is transparent but has no output intent, nor a colour space to blend in', number); // prettier-ignore
}

function checkAppearances(walker: ContentWalker, annotation: PdfDictionary, page: number): void {
  for (const [, appearance] of annotation.dictionary('AP')?.dictionaries() ?? []) {
    const streams =
      appearance instanceof PdfStream ? [appearance] : [...appearance.dictionaries()].map(([, state]) => state);
    for (const stream of streams)
      if (stream instanceof PdfStream)
        walker.walkForm(stream, { content: new Uint8Array(), page, resources: undefined, structParents: undefined }, 'annotation'); // prettier-ignore
  }
}
