import type { CheckCase } from './archive-cases.ts';
import type { ConformingPdf } from './conforming-pdf.ts';

/** A tag in the document, with tags in it, with tags in them: `['Table', ['TR', ['TD']]]`. */
type Tree = readonly [tag: string, ...kids: (Tree | string)[]];

/** Text between the kids is entries of the element. */
function build(pdf: ConformingPdf, [tag, ...kids]: Tree): string {
  const entries = kids.filter((kid) => typeof kid === 'string').join(' ');
  return pdf.element(tag, entries, kids.filter((kid) => typeof kid !== 'string').map((kid) => build(pdf, kid)));
} // prettier-ignore
const tags =
  (...trees: Tree[]) =>
  (pdf: ConformingPdf) =>
    pdf.swap('document', '14 0 R', `14 0 R ${trees.map((tree) => build(pdf, tree)).join(' ')}`);

const row = (count: number): Tree => ['TR', ...Array.from({ length: count }, (): Tree => ['TD'])];
const unknown = (pdf: ConformingPdf) => pdf.swap('catalog', '/Lang (en)', '');
/** Without the language of the document. */
const speechless = (change: (pdf: ConformingPdf) => unknown) => (pdf: ConformingPdf) => change(unknown(pdf));
const catalog = (text: string, by: string) => (pdf: ConformingPdf) => pdf.swap('catalog', text, by);
const note = (entries: string) => (pdf: ConformingPdf) => pdf.swap('page', '[15 0 R]', `[15 0 R ${pdf.add(`/Type /Annot /Rect [0 0 9 9] /F 4 ${entries}`)}]`); // prettier-ignore

/** Tags as they should be. */
export const RIGHT_TAGS = tags(
  ['Table', ['Caption'], ['THead', ['TR', ['TH', '/A << /O /Table /Scope /Column >>']]], ['TBody', row(1), row(1)]],
  ['L', ['LI', ['Lbl'], ['LBody', ['L', ['LI', ['LBody']]]]]],
  ['TOC', ['Caption'], ['TOCI']],
  ['Sect', ['H1']],
);

/** Of PDF/UA. */
export const UNIVERSAL_CASES: readonly CheckCase[] = [
  ['no part of PDF/UA', (pdf) => pdf.swap('xmp', '<pdfuaid:part>1</pdfuaid:part>', ''), 'UA 5-1'],
  ['another part of PDF/UA', (pdf) => pdf.swap('xmp', '<pdfuaid:part>1', '<pdfuaid:part>2'), 'UA 5-1'],
  ['an artifact in tagged content', (pdf) => pdf.swap('content', 'BDC BT', 'BDC /Artifact BMC EMC BT'), 'UA 7.1-1'],
  ['tagged content in an artifact', (pdf) => pdf.show('/Artifact BMC /P << /MCID 1 >> BDC EMC EMC'), 'UA 7.1-2'],
  ['text without a tag', (pdf) => pdf.show('BT /F1 9 Tf (Text) Tj ET'), 'UA 7.1-3'],
  ['a drawing without a tag', (pdf) => pdf.show('0 0 9 9 re f'), 'UA 7.1-3'],
  ['suspects', catalog('/Marked true', '/Marked true /Suspects true'), 'UA 7.1-4'],
  ['an unknown tag', tags(['Strange']), 'UA 7.1-5'],
  ['tags in a circle', (pdf) => pdf.put('structure', '/RoleMap << /One /Two /Two /One >>'), 'UA 7.1-6'],
  ['a tag of the standard that is mapped', (pdf) => pdf.put('structure', '/RoleMap << /P /Span >>'), 'UA 7.1-7'],
  ['no title', (pdf) => pdf.swap('xmp', '>Title<', '><').swap('xmp', '<rdf:li xml:lang="x-default"></rdf:li>', ''), 'UA 7.1-9'],
  ['the name of the file as title', catalog('/DisplayDocTitle true', '/DisplayDocTitle false'), 'UA 7.1-10'],
  ['no tags', catalog('/StructTreeRoot 11 0 R', ''), 'UA 7.1-11'],
  ['not marked', catalog('/Marked true', '/Marked false'), 'UA 7.1-12'],
  ['bookmarks', speechless((pdf) => pdf.put('catalog', `/Outlines << /First ${pdf.add('/Title (x) /Dest [3 0 R /Fit]')} >>`)), 'UA 7.2-2'],
  ['a paragraph in a table', tags(['Table', ['P']]), 'UA 7.2-3'],
  ['a paragraph in a row', tags(['Table', ['TR', ['P']]]), 'UA 7.2-4'],
  ['a paragraph in a head', tags(['Table', ['THead', ['P']], ['TBody']]), 'UA 7.2-5'],
  ['a paragraph in a body', tags(['Table', ['TBody', ['P']]]), 'UA 7.2-6'],
  ['a paragraph in a foot', tags(['Table', ['TBody'], ['TFoot', ['P']]]), 'UA 7.2-7'],
  ['a head alone', tags(['THead']), 'UA 7.2-8'],
  ['a body alone', tags(['TBody']), 'UA 7.2-9'],
  ['a foot alone', tags(['TFoot']), 'UA 7.2-10'],
  ['a row alone', tags(['TR']), 'UA 7.2-11'],
  ['two heads', tags(['Table', ['THead'], ['THead'], ['TBody']]), 'UA 7.2-12'],
  ['a foot without a body', tags(['Table', ['TFoot']]), 'UA 7.2-13'],
  ['two feet', tags(['Table', ['TBody'], ['TFoot'], ['TFoot']]), 'UA 7.2-14'],
  ['cells that overlap', tags(['Table', ['TR', ['TD'], ['TD', '/A << /O /Table /RowSpan 2 >>']], ['TR', ['TD', '/A << /O /Table /ColSpan 2 >>']]]), 'UA 7.2-15'],
  ['a caption between rows', tags(['Table', row(1), ['Caption'], row(1)]), 'UA 7.2-16'],
  ['an item alone', tags(['LI']), 'UA 7.2-17'],
  ['a body of an item alone', tags(['LBody']), 'UA 7.2-18'],
  ['a paragraph in a list', tags(['L', ['P']]), 'UA 7.2-19'],
  ['a paragraph in an item', tags(['L', ['LI', ['P']]]), 'UA 7.2-20'],
  ['a replacement', speechless(tags(['Span', '/ActualText (x)'])), 'UA 7.2-21'],
  ['an alternative', speechless(tags(['Figure', '/Alt (x)'])), 'UA 7.2-22'],
  ['an expansion', speechless(tags(['Span', '/E (x)'])), 'UA 7.2-23'],
  ['the text of a link', unknown, 'UA 7.2-24', 'UA 7.2-33', 'UA 7.2-34'],
  ['the name of a field', speechless(note('/Subtype /Widget /FT /Tx /TU (x)')), 'UA 7.2-25'],
  ['an entry of contents alone', tags(['TOCI']), 'UA 7.2-26'],
  ['a paragraph in contents', tags(['TOC', ['P']]), 'UA 7.2-27'],
  ['a caption after contents', tags(['TOC', ['TOCI'], ['Caption']]), 'UA 7.2-28'],
  ['a language that is none', catalog('/Lang (en)', '/Lang (not a language)'), 'UA 7.2-29'],
  ['a replacement in content', speechless((pdf) => pdf.show('/Span << /ActualText (x) >> BDC EMC')), 'UA 7.2-30'],
  ['an alternative in content', speechless((pdf) => pdf.show('/Span << /Alt (x) >> BDC EMC')), 'UA 7.2-31'],
  ['an expansion in content', speechless((pdf) => pdf.show('/Span << /E (x) >> BDC EMC')), 'UA 7.2-32'],
  ['a cell that goes below the table', tags(['Table', ['TR', ['TD', '/A << /O /Table /RowSpan 2 >>']]]), 'UA 7.2-41'],
  ['a short row', tags(['Table', row(2), row(1)]), 'UA 7.2-42'],
  ['a figure', tags(['Figure']), 'UA 7.3-1'],
  ['a skipped level', tags(['H3']), 'UA 7.4.2-1'],
  ['two headings of a part', tags(['Sect', ['H'], ['H']]), 'UA 7.4.4-1', 'UA 7.4.4-2', 'UA 7.4.4-3'],
  ['a header without a scope', tags(['Table', ['TR', ['TH'], ['TD']]]), 'UA 7.5-1'],
  ['a header that there is not', tags(['Table', ['TR', ['TH', '/A << /O /Table /Scope /Row >>'], ['TD', '/A << /O /Table /Headers [(x)] >>']]]), 'UA 7.5-2'],
  ['a formula', tags(['Formula']), 'UA 7.7-1'],
  ['a note without an ID', tags(['Note']), 'UA 7.9-1'],
  ['notes of one ID', tags(['Note', '/ID (x)'], ['Note', '/ID (x)']), 'UA 7.9-2'],
  ['a trap network', note('/Subtype /TrapNet'), 'UA 7.18.2-1'],
  ['another order of the tabulator', (pdf) => pdf.swap('page', '/Tabs /S', '/Tabs /R'), 'UA 7.18.3-1'],
  ['a link without a tag', (pdf) => pdf.swap('annotation', '/StructParent 1', ''), 'UA 7.18.5-1'],
  ['a link without a text', (pdf) => pdf.swap('annotation', '/Contents (A link)', ''), 'UA 7.18.5-2'],
  ['a tagged form, twice', (pdf) => pdf.put('resources', `/XObject << /X ${pdf.add('/Type /XObject /Subtype /Form /BBox [0 0 9 9] /StructParents 0 /Resources << >>', '')} >>`).draw('/X Do /X Do'), 'UA 7.20-2'],
]; // prettier-ignore
