import type { Findings } from './findings.ts';
import type { FontProgram } from './font-program.ts';
import { characterOf } from './glyph-names.ts';
import type { PdfDictionary } from './pdf-value.ts';
import { reportFont } from './report-font.ts';
import { baseEncoding, differences, isSymbolic } from './simple-font.ts';

/** The rules about the encodings of TrueType fonts that are not composite. */
export function checkTrueType(
  font: PdfDictionary,
  program: FontProgram | undefined,
  findings: Findings,
  page?: number,
): void {
  // prettier-ignore
  const name = font.name('BaseFont') ?? 'without a name';
  const maps = program?.maps;
  const has = (platform: number, encoding: number) => maps?.some((map) => map.platform === platform && map.encoding === encoding) ?? false; // prettier-ignore
  if (isSymbolic(font)) {
    if (font.has('Encoding')) reportFont(findings, '6-3', `the font ${name} is symbolic but has an encoding`, page);
    if (maps && maps.length !== 1) findings.report('A1 6.3.7-3', `the symbolic font ${name} has ${maps.length} cmaps`, page); // prettier-ignore
    if (maps && maps.length !== 1 && !has(3, 0)) reportFont(findings, '6-4', `the symbolic font ${name} has ${maps.length} cmaps, none of symbols`, page); // prettier-ignore
    return;
  }
  if (maps && maps.length <= (has(3, 0) ? 1 : 0)) reportFont(findings, '6-1', `the font ${name} has no cmap of Unicode or Mac`, page); // prettier-ignore
  const base = baseEncoding(font);
  const own = differences(font);
  if (own.size > 0) findings.report('A1 6.3.7-1', `the font ${name} changes its encoding (Differences)`, page);
  if (base !== 'MacRomanEncoding' && base !== 'WinAnsiEncoding')
    reportFont(findings, '6-2', `the font ${name} has the encoding ${base ?? 'of its own'}; allowed: MacRomanEncoding, WinAnsiEncoding`, page); // prettier-ignore
  else if (own.size > 0 && (!has(3, 1) || [...own.values()].some((each) => !isKnown(each))))
    reportFont(findings, '6-2', `the font ${name} changes its encoding by names that no cmap of Unicode has`, page);
}

/** Names that are not common ones here may still be in the standard's list; those of numbers are not. */
const isKnown = (name: string) => name === '.notdef' || characterOf(name) !== undefined || /^[A-Za-z]{2,}$/.test(name);
