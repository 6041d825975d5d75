import { srgbProfile } from '../../src/finishing/archive/srgb-profile.ts';
import type { RuleId } from '../../src/finishing/check/rules.ts';
import type { ConformingPdf } from './conforming-pdf.ts';
import { ADVANCE } from './conforming-pdf.ts';
import { tinyFont } from './tiny-font.ts';

/** What is wrong with a PDF, how it came to be so, and the rules by which it is found. */
export type CheckCase = readonly [what: string, change: (pdf: ConformingPdf) => unknown, ...rules: RuleId[]];

const change = (text: string, by: string) => (pdf: ConformingPdf) => pdf.swap('xmp', text, by);

const METADATA: CheckCase[] = [
  ['no XMP', (pdf) => pdf.swap('catalog', '/Metadata 8 0 R', ''), '6.6.2.1-1', 'UA 7.1-8'],
  ['the bytes of the packet', change('id="W5', 'bytes="9" id="W5'), '6.6.2.1-2'],
  ['the encoding of the packet', change('id="W5', 'encoding="UTF-8" id="W5'), '6.6.2.1-3'],
  ['XMP that is not closed', change('</x:xmpmeta>', ''), '6.6.2.1-4', 'UA 7.1-8'],
  ['an unknown property', change('<xmp:CreateDate>', '<xmp:Unknown>x</xmp:Unknown><xmp:CreateDate>'), '6.6.2.3.1-1'],
  ['a date that is none', change('2026-01-01T00:00:00Z', 'yesterday'), '6.6.2.3.1-2'],
  ['schemas in a sequence', (pdf) => pdf.swap('xmp', '<pdfaExtension:schemas><rdf:Bag>', '<pdfaExtension:schemas><rdf:Seq>').swap('xmp', '</rdf:Bag>', '</rdf:Seq>'), '6.6.2.3.2-1'],
  ['an unknown field of a schema', change('<pdfaSchema:prefix>', '<pdfaSchema:more>x</pdfaSchema:more><pdfaSchema:prefix>'), '6.6.2.3.3-1'],
  ['a schema without a prefix', change('<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>', ''), '6.6.2.3.3-2'],
  ['a property without a category', change('<pdfaProperty:category>internal</pdfaProperty:category>', ''), '6.6.2.3.3-3'],
  ['a category that is none', change('>internal<', '>secret<'), '6.6.2.3.3-3'],
  ['a type without a prefix', change('<pdfaType:prefix>pair</pdfaType:prefix>', ''), '6.6.2.3.3-4'],
  ['a field without a name', change('<pdfaField:name>one</pdfaField:name>', ''), '6.6.2.3.3-5'],
  ['no part of PDF/A', change('<pdfaid:part>3</pdfaid:part>', ''), '6.6.4-1'],
  ['another part of PDF/A', change('<pdfaid:part>3', '<pdfaid:part>2'), '6.6.4-2'],
  ['another level of PDF/A', change('conformance>B', 'conformance>C'), '6.6.4-3'],
  ['another prefix', (pdf) => pdf.swap('xmp', 'xmlns:pdfaid', 'xmlns:a').swap('xmp', '<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>', '<a:part>3</a:part><a:conformance>B</a:conformance>'), '6.6.4-4'],
]; // prettier-ignore

const profile = (edit: (bytes: Buffer) => unknown) => {
  const bytes = Buffer.from(srgbProfile());
  edit(bytes);
  return bytes;
};
const colour = (space: string) => (pdf: ConformingPdf) => {
  pdf.put('resources', `/ColorSpace << /C ${space} >>`).draw('/C cs 0 0 9 9 re f');
};
const FUNCTION = '<< /FunctionType 2 /Domain [0 1] /C0 [0 0 0] /C1 [1 1 1] /N 1 >>';
const state = (entries: string) => (pdf: ConformingPdf) => {
  pdf.put('resources', `/ExtGState << /G << /Type /ExtGState ${entries} >> >>`).draw('/G gs 0 0 9 9 re f');
};

const COLOURS: CheckCase[] = [
  ['a profile of a scanner', (pdf) => pdf.fill('profile', profile((bytes) => bytes.write('scnr', 12))), '6.2.3-1'],
  ['a profile of another number of colours', (pdf) => pdf.swap('profile', '/N 3', '/N 4'), '6.2.3-1'],
  ['two profiles', (pdf) => pdf.swap('catalog', '[9 0 R]', `[9 0 R << /S /GTS_PDFX /DestOutputProfile ${pdf.add('/N 3', srgbProfile())} >>]`), '6.2.3-2'],
  ['a profile elsewhere', (pdf) => pdf.put('intent', '/DestOutputProfileRef << >>'), '6.2.3-3'],
  ['a colour with a damaged profile', (pdf) => colour(`[/ICCBased ${pdf.add('/N 3', 'none')}]`)(pdf), '6.2.4.2-1'],
  ['RGB without an output intent', (pdf) => pdf.swap('catalog', '/OutputIntents [9 0 R]', '').draw('1 0 0 rg 0 0 9 9 re f'), '6.2.4.3-2', '6.2.4.3-4'],
  ['CMYK with an intent of RGB', (pdf) => pdf.draw('0 0 0 1 k 0 0 9 9 re f'), '6.2.4.3-3'],
  ['CMYK of strokes', (pdf) => pdf.draw('0 0 0 1 K 0 0 9 9 re S'), '6.2.4.3-3'],
  ['CMYK in a colour of a palette', colour('[/Indexed /DeviceCMYK 0 <00000000>]'), '6.2.4.3-3'],
  ['CMYK of a shading', (pdf) => pdf.put('resources', '/Shading << /S << /ShadingType 2 /ColorSpace /DeviceCMYK /Coords [0 0 1 1] >> >>').draw('/S sh'), '6.2.4.3-3'],
  ['DeviceN without colorants', colour(`[/DeviceN [/Gold] /DeviceRGB ${FUNCTION}]`), '6.2.4.4-1'],
  ['two colours of one name', (pdf) => pdf.put('resources', `/ColorSpace << /C [/Separation /Gold /DeviceRGB ${FUNCTION}] /D [/Separation /Gold /DeviceGray ${FUNCTION}] >>`).draw('/C cs 0 0 9 9 re f /D cs 0 0 9 9 re f'), '6.2.4.4-2'],
  ['33 colours of DeviceN', colour(`[/DeviceN [${Array.from({ length: 33 }, (_, index) => `/C${index}`).join(' ')}] /DeviceRGB ${FUNCTION}]`), '6.1.13-9'],
  ['TR', state('/TR /Identity'), '6.2.5-1'],
  ['TR2', state('/TR2 /Identity'), '6.2.5-2'],
  ['HTP', state('/HTP [0 0]'), '6.2.5-3'],
  ['a halftone of type 6', state('/HT << /HalftoneType 6 >>'), '6.2.5-4'],
  ['a halftone with a name', state('/HT << /HalftoneType 1 /HalftoneName (x) >>'), '6.2.5-5'],
  ['a halftone of a primary colour with a function', state('/HT << /HalftoneType 5 /Cyan << /HalftoneType 1 /TransferFunction /Identity >> >>'), '6.2.5-6'],
  ['a rendering intent of a state', state('/RI /Pretty'), '6.2.6-1'],
  ['a rendering intent of content', (pdf) => pdf.draw('/Pretty ri'), '6.2.6-1'],
  ['a blend mode', state('/BM /Strange'), '6.2.10-1'],
  ['transparency without an intent', (pdf) => state('/ca 0.5')(pdf.swap('catalog', '/OutputIntents [9 0 R]', '')), '6.2.10-2'],
]; // prettier-ignore

/** A composite font of the same program, that shows its letter. */
const composite = (type0: string, cid = '', info = '/Ordering (Identity)') => (pdf: ConformingPdf) => {
  const descendant = pdf.add(`/Type /Font /Subtype /CIDFontType2 /BaseFont /Tiny /CIDSystemInfo << /Registry (Adobe) ${info} /Supplement 0 >> /DW ${ADVANCE} /FontDescriptor 6 0 R ${cid}`);
  const map = pdf.add('', '1 beginbfchar <0001> <0041> endbfchar');
  const font = pdf.add(`/Type /Font /Subtype /Type0 /BaseFont /Tiny /DescendantFonts [${descendant}] /ToUnicode ${map} ${type0}`);
  pdf.put('resources', '').swap('resources', '/F1 5 0 R', `/F1 5 0 R /F2 ${font}`).draw('BT /F2 9 Tf <0001> Tj ET');
}; // prettier-ignore
const cmap = (entries: string, content: string) => (pdf: ConformingPdf) => {
  const map = pdf.add(`/Type /CMap /CMapName /Own /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> ${entries}`, `1 begincodespacerange <0000> <ffff> endcodespacerange 1 begincidrange <0000> <0001> 0 endcidrange ${content}`);
  composite(`/Encoding ${map}`, '/CIDToGIDMap /Identity')(pdf);
}; // prettier-ignore
/** The tiny font with another entry where its only cmap says of what platform and encoding it is. */
const otherCmap = (platform: number, encoding: number) => {
  const font = tinyFont('Tiny', ADVANCE);
  for (let at = 12; ; at += 16)
    if (font.toString('latin1', at, at + 4) === 'cmap') {
      const table = font.readUInt32BE(at + 8);
      font.writeUInt16BE(platform, table + 4);
      font.writeUInt16BE(encoding, table + 6);
      return font;
    }
};
const font = (text: string, by: string) => (pdf: ConformingPdf) => pdf.swap('font', text, by);

const FONTS: CheckCase[] = [
  ['no type', font('/Type /Font', ''), '6.2.11.2-1'],
  ['an unknown kind', font('/TrueType', '/Strange'), '6.2.11.2-2'],
  ['no name', font('/BaseFont /AAAAAA+Tiny', ''), '6.2.11.2-3'],
  ['no first character', font('/FirstChar 65', ''), '6.2.11.2-4'],
  ['no last character', font('/LastChar 122', ''), '6.2.11.2-5'],
  ['too few widths', font('/LastChar 122', '/LastChar 123'), '6.2.11.2-6'],
  ['a program of an unknown kind', (pdf) => pdf.put('descriptor', `/FontFile3 ${pdf.add('/Subtype /Strange', 'x')}`), '6.2.11.2-7'],
  ['another collection of the CMap', (pdf) => { const map = pdf.add('/CIDSystemInfo << /Registry (Adobe) /Ordering (Other) >>', ''); composite(`/Encoding ${map}`, '/CIDToGIDMap /Identity')(pdf); }, '6.2.11.3.1-1', 'UA 7.21.3.1-1'],
  ['no CIDToGIDMap', composite('/Encoding /Identity-H'), '6.2.11.3.2-1', 'UA 7.21.3.2-1'],
  ['an unknown CMap', composite('/Encoding /Strange', '/CIDToGIDMap /Identity'), '6.2.11.3.3-1', 'UA 7.21.3.3-1'],
  ['another writing mode', cmap('/WMode 0', '/WMode 1 def'), '6.2.11.3.3-2', 'UA 7.21.3.3-2'],
  ['a CMap that uses another', cmap('/UseCMap /Strange', ''), '6.2.11.3.3-3', 'UA 7.21.3.3-3'],
  ['a character above 65535', cmap('', '1 begincidrange <0002> <0003> 65535 endcidrange'), '6.1.13-10'],
  ['a font that is not embedded', (pdf) => pdf.swap('descriptor', '/FontFile2 7 0 R', ''), '6.2.11.4.1-1', 'UA 7.21.4.1-1'],
  ['a composite font that is not embedded', (pdf) => composite('/Encoding /Identity-H')(pdf.swap('descriptor', '/FontFile2 7 0 R', '')), '6.2.11.4.1-1', 'UA 7.21.4.1-1'],
  ['a glyph that the font has not', (pdf) => { composite('/Encoding /Identity-H', '/CIDToGIDMap /Identity')(pdf); pdf.draw('BT /F2 9 Tf <0005> Tj ET'); }, '6.2.11.4.1-2', 'UA 7.21.4.1-2'],
  ['a CIDSet that lacks a glyph', (pdf) => composite('/Encoding /Identity-H', '/CIDToGIDMap /Identity')(pdf.put('descriptor', `/CIDSet ${pdf.add('', Buffer.from([0x80]))}`)), '6.2.11.4.2-2', 'UA 7.21.4.2-2'],
  ['other widths', (pdf) => pdf.fill('program', tinyFont('Tiny', ADVANCE + 2)), '6.2.11.5-1', 'UA 7.21.5-1'],
  ['other widths of a composite font', composite('/Encoding /Identity-H', '/CIDToGIDMap /Identity /W [1 [500]]'), '6.2.11.5-1', 'UA 7.21.5-1'],
  ['a cmap of symbols only', (pdf) => pdf.fill('program', otherCmap(3, 0)), '6.2.11.6-1', 'UA 7.21.6-1'],
  ['another encoding', font('/WinAnsiEncoding', '/MacExpertEncoding'), '6.2.11.6-2', 'UA 7.21.6-2'],
  ['a symbolic font with an encoding', (pdf) => pdf.swap('descriptor', '/Flags 32', '/Flags 4'), '6.2.11.6-3', 'UA 7.21.6-3'],
  ['the glyph for missing characters', (pdf) => { composite('/Encoding /Identity-H', '/CIDToGIDMap /Identity')(pdf); pdf.draw('BT /F2 9 Tf <0000> Tj ET'); }, '6.2.11.8-1', 'UA 7.21.8-1', 'UA 7.21.7-1'],
  ['text that is read as U+0000', (pdf) => pdf.put('font', `/ToUnicode ${pdf.add('', '1 beginbfchar <54> <0000> endbfchar')}`), 'UA 7.21.7-2'],
]; // prettier-ignore

const note = (entries: string) => (pdf: ConformingPdf) => pdf.swap('page', '[15 0 R]', `[15 0 R ${pdf.add(`/Type /Annot /Rect [0 0 9 9] ${entries}`)}]`); // prettier-ignore
const appearance = (pdf: ConformingPdf) =>
  pdf.add('/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << >>', '');
const annotation = (text: string, by: string) => (pdf: ConformingPdf) => pdf.swap('annotation', text, by);
const catalog = (entries: string) => (pdf: ConformingPdf) => pdf.put('catalog', entries);

const INTERACTION: CheckCase[] = [
  ['a video', note('/Subtype /Movie /F 4'), '6.3.1-1'],
  ['no flags', annotation('/F 4', ''), '6.3.2-1'],
  ['hidden', annotation('/F 4', '/F 6'), '6.3.2-2'],
  ['not printed', annotation('/F 4', '/F 0'), '6.3.2-2'],
  ['no appearance', note('/Subtype /Text /F 4 /Contents (x)'), '6.3.3-1', 'UA 7.18.1-1'],
  ['an appearance for the mouse', (pdf) => note(`/Subtype /Text /F 4 /AP << /N ${appearance(pdf)} /D ${appearance(pdf)} >>`)(pdf), '6.3.3-2', 'UA 7.18.1-2'],
  ['a button with one appearance', (pdf) => note(`/Subtype /Widget /FT /Btn /F 4 /AP << /N ${appearance(pdf)} >>`)(pdf), '6.3.3-3', 'UA 7.18.4-1', 'UA 7.18.1-3'],
  ['a note with states', note('/Subtype /Text /F 4 /AP << /N << >> >>'), '6.3.3-4'],
  ['a field with an action', note('/Subtype /Widget /FT /Tx /F 4 /A << /S /GoTo /D [3 0 R /Fit] >>'), '6.4.1-1'],
  ['a field with additional actions', note('/Subtype /Widget /FT /Tx /F 4 /AA << >>'), '6.4.1-2'],
  ['NeedAppearances', catalog('/AcroForm << /Fields [] /NeedAppearances true >>'), '6.4.1-3'],
  ['XFA', catalog('/AcroForm << /Fields [] /XFA (x) >>'), '6.4.2-1'],
  ['NeedsRendering', catalog('/NeedsRendering true'), '6.4.2-2', 'UA 7.15-1'],
  ['a script', catalog('/OpenAction << /S /JavaScript /JS (1) >>'), '6.5.1-1'],
  ['a link that starts a program', annotation('/S /URI', '/S /Launch'), '6.5.1-1'],
  ['a script after an action', annotation('/S /URI', '/Next [<< /S /JavaScript /JS (1) >>] /S /URI'), '6.5.1-1'],
  ['a named action', annotation('/S /URI', '/S /Named /N /Print'), '6.5.1-2'],
  ['additional actions of the document', catalog('/AA << >>'), '6.5.2-1'],
  ['additional actions of a page', (pdf) => pdf.put('page', '/AA << >>'), '6.5.2-2'],
  ['no media type of a file', (pdf) => pdf.swap('fileContent', '/Subtype /text#2Fplain', ''), 'A3 6.8-1'],
  ['no UF of a file', (pdf) => pdf.swap('file', '/UF (a.txt)', ''), 'A3 6.8-2', 'UA 7.11-1'],
  ['no relation of a file', (pdf) => pdf.swap('file', '/AFRelationship /Data', ''), 'A3 6.8-3'],
  ['a file of nothing', (pdf) => pdf.swap('catalog', '/AF [16 0 R]', ''), 'A3 6.8-4'],
  ['a file in PDF/A-2b', () => undefined, 'A2 6.8-5'],
  ['a file without F in PDF/A-2b', (pdf) => pdf.swap('file', '/F (a.txt) /UF', '/UF'), 'A2 6.8-1'],
  ['permissions', catalog('/Perms << /Other << >> >>'), '6.1.12-1'],
  ['digests of a signature', catalog('/Perms << /DocMDP << /Reference [<< /DigestMethod /MD5 >>] >> >>'), '6.1.12-2'],
  ['a configuration of layers without a name', catalog('/OCProperties << /OCGs [] /D << >> >>'), '6.9-1', 'UA 7.10-1'],
  ['two configurations of a name', catalog('/OCProperties << /OCGs [] /D << /Name (x) >> /Configs [<< /Name (x) >>] >>'), '6.9-2'],
  ['a layer that the order lacks', (pdf) => catalog(`/OCProperties << /OCGs [${pdf.add('/Type /OCG /Name (x)')}] /D << /Name (x) /Order [] >> >>`)(pdf), '6.9-3'],
  ['layers that change', catalog('/OCProperties << /OCGs [] /D << /Name (x) /AS [] >> >>'), '6.9-4', 'UA 7.10-2'],
  ['presentations', (pdf) => pdf.swap('catalog', '/EmbeddedFiles', '/AlternatePresentations << >> /EmbeddedFiles'), '6.10-1'],
  ['steps of a page', (pdf) => pdf.put('page', '/PresSteps << >>'), '6.10-2'],
  ['requirements', catalog('/Requirements []'), '6.11-1'],
]; // prettier-ignore

const object =
  (entries: string, data = '') =>
  (pdf: ConformingPdf) =>
    pdf.put('resources', `/XObject << /X ${pdf.add(`/Type /XObject ${entries}`, data)} >>`).draw('/X Do');
const image = (entries: string) => object(`/Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray ${entries}`, 'x');
const form = (entries: string) => object(`/Subtype /Form /BBox [0 0 9 9] /Resources << >> ${entries}`);

const OBJECTS: CheckCase[] = [
  ['alternates', image('/BitsPerComponent 8 /Alternates []'), '6.2.8-1'],
  ['OPI of an image', image('/BitsPerComponent 8 /OPI << >>'), '6.2.8-2'],
  ['interpolation', image('/BitsPerComponent 8 /Interpolate true'), '6.2.8-3'],
  ['3 bits', image('/BitsPerComponent 3'), '6.2.8-4'],
  ['OPI of a form', form('/OPI << >>'), '6.2.9-1'],
  ['a form of another file', form('/Ref << >>'), '6.2.9-2', 'UA 7.20-1'],
  ['PostScript', object('/Subtype /PS'), '6.2.9-3'],
  ['an unknown operator', (pdf) => pdf.draw('strange'), '6.2.2-1'],
  ['a form without resources', object('/Subtype /Form /BBox [0 0 9 9]', '/X Do'), '6.2.2-2'],
  ['29 saved states', (pdf) => pdf.draw(`${'q '.repeat(29)}${'Q '.repeat(29)}`), '6.1.13-8'],
  ['LZW in the content', (pdf) => pdf.draw('BI /W 1 /H 1 /BPC 8 /CS /G /F /LZW ID x EI'), '6.1.10-1'],
]; // prettier-ignore

const edit = (text: string, by: string) => (pdf: ConformingPdf) => pdf.edit((file) => file.replace(text, () => by));

const FILE: CheckCase[] = [
  ['another version', edit('%PDF-1.7', '%PDF-2.0'), '6.1.2-1'],
  ['no bytes above 127', edit('%\xe2\xe3\xcf\xd3', '%abcd'), '6.1.2-2'],
  ['no ID', (pdf) => pdf.trailer(''), '6.1.3-1'],
  ['something after the end', edit('%%EOF\n', '%%EOF\nmore\n'), '6.1.3-3'],
  ['two spaces in the table', edit('xref\n0 ', 'xref\n0  '), '6.1.4-1'],
  ['an empty line in the table', edit('xref\n0 ', 'xref\n\n0 '), '6.1.4-2'],
  ['an odd string', (pdf) => pdf.put('page', '/Odd <abc>'), '6.1.6-1'],
  ['a string with other digits', (pdf) => pdf.put('page', '/Odd <xx>'), '6.1.6-2'],
  ['another length', (pdf) => edit('plain /Length 4', 'plain /Length 3')(pdf.fill('fileContent', 'tex\n')), '6.1.7.1-1'],
  ['no line feed after stream', edit('stream\ntext', 'stream\rtext'), '6.1.7.1-2'],
  ['no end of line before endstream', edit('text\nendstream', 'textendstream\n'), '6.1.7.1-3'],
  ['a stream elsewhere', (pdf) => pdf.put('fileContent', '/F (a)'), '6.1.7.1-4'],
  ['LZW', (pdf) => pdf.put('fileContent', '/Filter /LZWDecode'), '6.1.7.2-1'],
  ['a stream that is encrypted', (pdf) => pdf.put('fileContent', '/Filter /Crypt /DecodeParms << /Name /Own >>'), '6.1.7.2-2'],
  ['two spaces before obj', edit('16 0 obj', '16 0  obj'), '6.1.9-1'],
  ['an integer of 33 bits', (pdf) => pdf.put('page', '/Big 2147483648'), '6.1.13-1'],
  ['a string of 32768 bytes', (pdf) => pdf.put('page', `/Long (${'x'.repeat(32_768)})`), '6.1.13-4'],
  ['a name of 128 bytes', (pdf) => pdf.put('page', `/Long /${'x'.repeat(128)}`), '6.1.13-5'],
  ['a page of 2 points', (pdf) => pdf.swap('page', '[0 0 300 300]', '[0 0 2 300]'), '6.1.13-11'],
]; // prettier-ignore

/** Of PDF/A, and of both where one thing is against rules of both. */
export const ARCHIVE_CASES: readonly CheckCase[] = [METADATA, COLOURS, FONTS, INTERACTION, OBJECTS, FILE].flat();
