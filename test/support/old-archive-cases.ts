import { srgbProfile } from '../../src/finishing/archive/srgb-profile.ts';
import type { CheckCase } from './archive-cases.ts';
import { ADVANCE, ConformingPdf } from './conforming-pdf.ts';

/** A PDF that conforms to PDF/A-1b, until something in it is changed. */
export const oldPdf = (): ConformingPdf =>
  new ConformingPdf()
    .swap('catalog', '/AF [16 0 R] /Names << /EmbeddedFiles << /Names [(a.txt) 16 0 R] >> >>', '')
    .swap('file', '/EF << /F 17 0 R >>', '')
    .swap('xmp', '<pdfaid:part>3', '<pdfaid:part>1')
    .fill('profile', srgbProfile(2));

const state = (entries: string) => (pdf: ConformingPdf) => {
  pdf.put('resources', `/ExtGState << /G << /Type /ExtGState ${entries} >> >>`).draw('/G gs 0 0 9 9 re f');
};
const object =
  (entries: string, data = '') =>
  (pdf: ConformingPdf) => {
    pdf.put('resources', `/XObject << /X ${pdf.add(`/Type /XObject ${entries}`, data)} >>`).draw('/X Do');
  };
const image = (entries: string) => object(`/Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray ${entries}`, 'x');
const note = (entries: string) => (pdf: ConformingPdf) => {
  pdf.swap('page', '[15 0 R]', `[15 0 R ${pdf.add(`/Type /Annot /Rect [0 0 9 9] ${entries}`)}]`);
};
const catalog = (entries: string) => (pdf: ConformingPdf) => pdf.put('catalog', entries);
const composite = (name: string, encoding: string, descriptor = '6 0 R') => (pdf: ConformingPdf) => {
  const descendant = pdf.add(`/Type /Font /Subtype /CIDFontType2 /BaseFont /${name} /CIDToGIDMap /Identity /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW ${ADVANCE} /FontDescriptor ${descriptor}`);
  const font = pdf.add(`/Type /Font /Subtype /Type0 /BaseFont /${name} /Encoding ${encoding} /DescendantFonts [${descendant}]`);
  pdf.swap('resources', '/F1 5 0 R', `/F1 5 0 R /F2 ${font}`).draw('BT /F2 9 Tf <0001> Tj ET');
}; // prettier-ignore
const NAMES = Array.from({ length: 9 }, (_, index) => `/C${index}`).join(' ');
const FUNCTION = '<< /FunctionType 2 /Domain [0 1] /C0 [0 0 0] /C1 [1 1 1] /N 1 >>';
const info = (entry: string) => (pdf: ConformingPdf) => pdf.trailer(`/ID [<00> <00>] /Info ${pdf.add(entry)}`);

/** Of PDF/A-1b alone: what the later parts allow, or say in another way. */
export const OLD_ARCHIVE_CASES: readonly CheckCase[] = [
  ['a table that is a stream', (pdf) => pdf.add('/Type /XRef', ''), 'A1 6.1.4-3'],
  ['trailers of a linearized file', (pdf) => pdf.put('catalog', '/Linearized 1').edit((file) => file.replace('startxref', 'trailer\n<< /ID [<11> <11>] >>\nstartxref')), 'A1 6.1.3-4'],
  ['JPEG 2000', image('/BitsPerComponent 8 /Filter /JPXDecode'), 'A1 6.1.10-1'],
  ['an embedded file', (pdf) => pdf.put('file', '/EF << /F 17 0 R >>').put('catalog', '/AF [16 0 R]'), 'A1 6.1.11-1'],
  ['a list of embedded files', catalog('/Names << /EmbeddedFiles << /Names [] >> >>'), 'A1 6.1.11-2'],
  ['a large number', (pdf) => pdf.put('page', '/Big 32768.5'), 'A1 6.1.12-2'],
  ['a large number in the content', (pdf) => pdf.draw('40000.5 0 9 9 re f'), 'A1 6.1.12-2'],
  ['a string of 65536 bytes', (pdf) => pdf.put('page', `/Long (${'x'.repeat(65_536)})`), 'A1 6.1.12-3'],
  ['an array of 8192', (pdf) => pdf.put('page', `/Long [${'0 '.repeat(8_192)}]`), 'A1 6.1.12-5'],
  ['a dictionary of 4096', (pdf) => pdf.put('page', `/Long << ${Array.from({ length: 4_096 }, (_, index) => `/K${index} 0`).join(' ')} >>`), 'A1 6.1.12-6'],
  ['9 colours of DeviceN', (pdf) => pdf.put('resources', `/ColorSpace << /C [/DeviceN [${NAMES}] /DeviceRGB ${FUNCTION}] >>`).draw('/C cs 0 0 9 9 re f'), 'A1 6.1.12-9'],
  ['optional content', catalog('/OCProperties << /OCGs [] /D << /Name (x) >> >>'), 'A1 6.1.13-1'],
  ['an intent with a profile of version 4', (pdf) => pdf.fill('profile', srgbProfile(4)), 'A1 6.2.2-1'],
  ['a colour with a profile of version 4', (pdf) => pdf.put('resources', `/ColorSpace << /C [/ICCBased ${pdf.add('/N 3', srgbProfile(4))}] >>`).draw('/C cs 0 0 9 9 re f'), 'A1 6.2.3.2-1'],
  ['16 bits', image('/BitsPerComponent 16'), 'A1 6.2.4-4'],
  ['a mask of 2 bits', image('/ImageMask true /BitsPerComponent 2'), 'A1 6.2.4-5'],
  ['OpenType', (pdf) => pdf.put('descriptor', `/FontFile3 ${pdf.add('/Subtype /OpenType', 'x')}`), 'A1 6.3.2-7'],
  ['a CMap of the standard', composite('Tiny', '/UniJIS-UCS2-H'), 'A1 6.3.3.3-1'],
  ['a subset of Type 1 without CharSet', (pdf) => pdf.swap('font', '/TrueType', '/Type1'), 'A1 6.3.5-2'],
  ['a subset without CIDSet', composite('AAAAAA+Tiny', '/Identity-H'), 'A1 6.3.5-3'],
  ['a subset whose CIDSet lacks a character', (pdf) => composite('AAAAAA+Tiny', '/Identity-H')(pdf.put('descriptor', `/CIDSet ${pdf.add('', Buffer.from([0x40]))}`)), 'A1 6.3.5-3'],
  ['changes of an encoding', (pdf) => pdf.swap('font', '/Encoding /WinAnsiEncoding', '/Encoding << /BaseEncoding /WinAnsiEncoding /Differences [65 /B] >>'), 'A1 6.3.7-1'],
  ['a soft mask', state('/SMask << /S /Alpha >>'), 'A1 6.4-1'],
  ['a soft mask of an image', (pdf) => image(`/BitsPerComponent 8 /SMask ${pdf.add('/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8', 'x')}`)(pdf), 'A1 6.4-2'],
  ['a group that is a page', (pdf) => pdf.put('page', '/Group << /S /Transparency >>'), 'A1 6.4-3'],
  ['a group that is a form', object('/Subtype /Form /BBox [0 0 9 9] /Resources << >> /Group << /S /Transparency >>'), 'A1 6.4-3'],
  ['a blend mode', state('/BM /Multiply'), 'A1 6.4-4'],
  ['one of several blend modes', state('/BM [/Normal /Screen]'), 'A1 6.4-4'],
  ['faint strokes', state('/CA 0.5'), 'A1 6.4-5'],
  ['faint fills', state('/ca 0.999'), 'A1 6.4-6'],
  ['a polygon', note('/Subtype /Polygon /F 4'), 'A1 6.5.2-1'],
  ['a file as a note', note('/Subtype /FileAttachment /F 4'), 'A1 6.5.2-1'],
  ['a faint note', note('/Subtype /Text /F 4 /CA 0.5'), 'A1 6.5.3-1'],
  ['a window without flags', note('/Subtype /Popup'), 'A1 6.5.3-2'],
  ['a coloured note without an intent', (pdf) => note('/Subtype /Text /F 4 /C [1 0 0]')(pdf.swap('catalog', '/OutputIntents [9 0 R]', '')), 'A1 6.5.3-3'],
  ['a link to an embedded PDF', (pdf) => pdf.swap('annotation', '/S /URI', '/S /GoToE'), 'A1 6.6.1-1'],
  ['a script of a page', (pdf) => pdf.put('page', '/AA << /O << /S /JavaScript /JS (1) >> >>'), 'A1 6.6.1-1'],
  ['a field without an appearance', note('/Subtype /Widget /FT /Tx /F 4'), 'A1 6.9-4'],
  ['metadata that are compressed', (pdf) => pdf.put('page', `/Metadata ${pdf.add('/Type /Metadata /Filter /ASCIIHexDecode', '00>')}`), 'A1 6.7.2-2'],
  ['another creation date', info('/CreationDate (D:20250101000000Z)'), 'A1 6.7.3-1'],
  ['another title', info('/Title (Other)'), 'A1 6.7.3-2'],
  ['another author', info('/Author (Ann)'), 'A1 6.7.3-3'],
  ['two creators for one author', (pdf) => info('/Author (Ann, Bob)')(pdf.swap('xmp', '<xmp:CreateDate>', '<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator><xmp:CreateDate>')), 'A1 6.7.3-3'],
  ['another subject', info('/Subject (x)'), 'A1 6.7.3-4'],
  ['other keywords', info('/Keywords (x)'), 'A1 6.7.3-5'],
  ['another creator', info('/Creator (x)'), 'A1 6.7.3-6'],
  ['another producer', info('/Producer (x)'), 'A1 6.7.3-7'],
  ['another date of change', info('/ModDate (D:20250101000000Z)'), 'A1 6.7.3-8'],
  ['a property of later XMP', (pdf) => pdf.swap('xmp', '<xmp:CreateDate>', '<xmp:Label>x</xmp:Label><xmp:CreateDate>'), 'A1 6.7.9-2'],
  ['another part', (pdf) => pdf.swap('xmp', '<pdfaid:part>1', '<pdfaid:part>2'), 'A1 6.7.11-2'],
  ['level U', (pdf) => pdf.swap('xmp', 'conformance>B', 'conformance>U'), 'A1 6.7.11-3'],
]; // prettier-ignore

/** What PDF/A-1b allows, though the later parts do not all. */
export const OLD_ARCHIVE_RIGHT: readonly (readonly [what: string, change: (pdf: ConformingPdf) => unknown])[] = [
  ['nothing that is changed', () => undefined],
  ['what is opaque', state('/SMask /None /BM /Normal /CA 1 /ca 1.0')],
  ['an image with a mask of one bit', (pdf) => image(`/BitsPerComponent 8 /Mask ${pdf.add('/Type /XObject /Subtype /Image /Width 1 /Height 1 /ImageMask true /BitsPerComponent 1', 'x')}`)(pdf)],
  ['a form that uses what the page has', object('/Subtype /Form /BBox [0 0 9 9]')],
  ['a CIDSet of all', (pdf) => composite('AAAAAA+Tiny', '/Identity-H')(pdf.put('descriptor', `/CIDSet ${pdf.add('', Buffer.from([0xc0]))}`))],
  ['the same in Info', info('/Title (Title) /CreationDate (D:20260101010000+01\'00\')')],
]; // prettier-ignore
