import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PDF } from '../../src/finishing/libpdf.ts';
import { qpdf, runQpdf } from '../../src/finishing/qpdf.ts';
import { rewriteUpload } from '../../src/finishing/uploads/rewrite-upload.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { rawPdf, rawStream } from '../support/raw-pdf.ts';

const field = 'parts[0].pdf';
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** What becomes of an upload: its text, or why it is refused. */
async function rewritten(pdf: Uint8Array, password?: string): Promise<{ text: string; pages: number; dropped: string[] }> {
  const { bytes, pages, dropped } = await rewriteUpload(pdf, { field, password });
  expect((await runQpdf(bytes, ['/in.pdf', '/out.pdf'])).status).toBe(0); // without warnings
  expect((await PDF.load(bytes)).getPageCount()).toBe(pages);
  return { text: text(bytes), pages, dropped };
} // prettier-ignore

async function refusal(pdf: Uint8Array, password?: string): Promise<string> {
  const error = await rewriteUpload(pdf, { field, password }).catch((reason: unknown) => reason);
  if (!(error instanceof CodedError)) throw new Error('it was not refused', { cause: error });
  expect(error.code).toBe('pdf_refused');
  return error.message;
}

const annotation = (entries: string) =>
  rawPdf({ page: `/Annots [<< /Type /Annot /Rect [0 0 9 9] /Subtype /Link ${entries} >>]` });
const action = (entries: string) => annotation(`/A << ${entries} >>`);
const field1 = (entries: string, form = '') =>
  rawPdf({
    catalog: `/AcroForm << /Fields [5 0 R] ${form} >>`,
    page: '/Annots [5 0 R]',
    objects: [`<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /Rect [0 0 9 9] ${entries} >>`],
  });

/** By kind: what is dropped, the hostile PDF, what must be gone; and one that keeps what looks like it. */
const DROPPED: [string, string, Uint8Array, RegExp, Uint8Array, RegExp][] = [
  ['JavaScript at opening', 'JavaScript actions', rawPdf({ catalog: '/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>' }), /alert|OpenAction/, rawPdf({ catalog: '/OpenAction << /S /GoTo /D [3 0 R /Fit] >>' }), /OpenAction/],
  ['JavaScript with an escaped name', 'JavaScript actions', rawPdf({ catalog: '/OpenAction << /S /J#61vaScript /JS (app.alert\\(1\\)) >>' }), /alert|OpenAction/, rawPdf({ catalog: '/OpenAction [3 0 R /Fit]' }), /OpenAction/],
  ['JavaScript by name', 'JavaScript', rawPdf({ catalog: '/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (alert) >>] >> >>' }), /alert|JavaScript/, rawPdf({ catalog: '/Names << /Dests << /Names [(a) [3 0 R /Fit]] >> >>' }), /Dests/],
  ['JavaScript of a page', 'actions on events', rawPdf({ page: '/AA << /O << /S /JavaScript /JS (alert) >> >>' }), /alert|\/AA/, rawPdf({ page: '/Tabs /S' }), /Tabs/],
  ['JavaScript of a field', 'actions on events', field1('/AA << /K << /S /JavaScript /JS (alert) >> >>'), /alert|\/AA/, field1('/V (kept)'), /kept/],
  ['JavaScript after another action', 'JavaScript actions', action('/S /GoTo /D [3 0 R /Fit] /Next << /S /JavaScript /JS (alert) >>'), /alert|JavaScript/, action('/S /GoTo /D [3 0 R /Fit] /Next << /S /Named /N /NextPage >>'), /NextPage/],
  ['JavaScript in a list of actions', 'JavaScript actions', action('/S /GoTo /D [3 0 R /Fit] /Next [<< /Type /Action /S /JavaScript /JS (alert) >>]'), /alert|JavaScript/, action('/S /GoTo /D [3 0 R /Fit] /Next [<< /Type /Action /S /Named /N /NextPage >>]'), /NextPage/],
  ['JavaScript of a bookmark', 'JavaScript actions', rawPdf({ catalog: '/Outlines 5 0 R', objects: ['<< /First 6 0 R /Last 6 0 R /Count 1 >>', '<< /Title (one) /Parent 5 0 R /A << /S /JavaScript /JS (alert) >> >>'] }), /alert|JavaScript/, rawPdf({ catalog: '/Outlines 5 0 R', objects: ['<< /First 6 0 R /Last 6 0 R /Count 1 >>', '<< /Title (one) /Parent 5 0 R /Dest [3 0 R /Fit] >>'] }), /\(one\)/],
  ['a program', 'Launch actions', action('/S /Launch /F (calc.exe)'), /Launch|calc/, action('/S /URI /URI (https://example.com/)'), /example\.com/],
  ['another file', 'GoToR actions', action('/S /GoToR /F (//host/share.pdf) /D [0 /Fit]'), /GoToR|share/, action('/S /GoTo /D (name)'), /\(name\)/],
  ['an embedded file', 'GoToE actions', action('/S /GoToE /D [0 /Fit]'), /GoToE/, action('/S /ResetForm'), /ResetForm/],
  ['data from a file', 'ImportData actions', action('/S /ImportData /F (x.fdf)'), /ImportData/, action('/S /Hide /T (name)'), /Hide/],
  ['data to a server', 'SubmitForm actions', field1('/A << /S /SubmitForm /F (https://example.com) >>'), /SubmitForm/, field1('/MaxLen 7'), /MaxLen 7/],
  ['a rendition', 'Rendition actions', action('/S /Rendition /OP 0'), /Rendition/, action('/S /SetOCGState /State []'), /SetOCGState/],
  ['an action of a name that nobody knows', 'Evil actions', action('/S /Evil'), /Evil/, action('/S /Named /N /FirstPage'), /FirstPage/],
  ['a link to a local file', 'links to other than the web', action('/S /URI /URI (file:///etc/passwd)'), /passwd/, action('/S /URI /URI (mailto:a@example.com)'), /mailto/],
  ['a link to a share', 'links to other than the web', action('/S /URI /URI (\\\\\\\\host\\\\share)'), /share/, action('/S /URI /URI (other.html)'), /other\.html/],
  ['a link that is a script', 'links to other than the web', action('/S /URI /URI (JavaScript:alert\\(1\\))'), /alert/, action('/S /URI /URI (HTTPS://EXAMPLE.COM)'), /EXAMPLE/],
  ['rich media', 'media', rawPdf({ page: '/Annots [5 0 R]', objects: ['<< /Type /Annot /Subtype /RichMedia /Rect [0 0 9 9] >>'] }), /RichMedia/, rawPdf({ page: '/Annots [5 0 R]', objects: ['<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (note) >>'] }), /\(note\)/],
  ['a film', 'media', rawPdf({ page: '/Annots [<< /Type /Annot /Subtype /Movie /Rect [0 0 9 9] /Movie << /F (x.mov) >> >>]' }), /Movie|mov/, rawPdf({ page: '/Annots [<< /Type /Annot /Subtype /Square /Rect [0 0 9 9] >>]' }), /Square/],
  ['a 3D scene', 'media', rawPdf({ page: '/Annots [5 0 R]', objects: ['<< /Type /Annot /Subtype /3D /Rect [0 0 9 9] /3DD 6 0 R >>', rawStream('/Type /3D', 'scene')] }), /3D|scene/, rawPdf({ page: '/Annots [5 0 R]', objects: ['<< /Type /Annot /Subtype /Stamp /Rect [0 0 9 9] >>'] }), /Stamp/],
  ['XFA beside fields', 'XFA', field1('/V (kept)', '/XFA 4 0 R'), /XFA/, field1('/V (kept)', '/NeedAppearances true'), /NeedAppearances/],
  ['data of programs', 'private data of programs', rawPdf({ page: '/PieceInfo << /Evil << /Private (x) >> >>' }), /PieceInfo|Evil/, rawPdf({ page: '/LastModified (D:2026)' }), /LastModified/],
  ['a stream that is a file elsewhere', 'external files', rawPdf({ page: '/Annots [] /B 5 0 R', objects: [rawStream('/F (/etc/passwd) /FFilter /FlateDecode', 'x')] }), /passwd|FFilter/, rawPdf({ page: '/B 5 0 R', objects: [rawStream('/Kept true', 'x')] }), /Kept/],
  ['a form that is a page of another file', 'external files', rawPdf({ page: '/Resources << /XObject << /X 5 0 R >> >>', objects: [rawStream('/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Ref << /F (other.pdf) /Page 0 >>', 'q Q')] }), /other\.pdf/, rawPdf({ page: '/Resources << /XObject << /X 5 0 R >> >>', objects: [rawStream('/Type /XObject /Subtype /Form /BBox [0 0 9 9]', 'q Q')] }), /BBox/],
  ['signatures, which are no longer right', 'signatures', field1('/FT /Sig /V << /ByteRange [0 1 2 3] /Contents <00> >>', '/SigFlags 3'), /ByteRange|SigFlags/, field1('/V (kept)'), /kept/],
]; // prettier-ignore

const packed = (data: Uint8Array | string) => deflateSync(data, { level: 9 });
const zeros = (bytes: number) => Buffer.alloc(bytes);
const flate = (times: number, data: Uint8Array) =>
  rawStream(`/Filter [${'/FlateDecode '.repeat(times)}]`, Array.from({ length: times }).reduce((inner: Uint8Array) => packed(inner), data)); // prettier-ignore
const image = (width: number, height: number) =>
  rawPdf({
    page: '/Resources << /XObject << /I 5 0 R >> >>',
    objects: [rawStream(`/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode`, packed('x'))],
  }); // prettier-ignore
const withStream = (stream: Uint8Array, key = '/B') => rawPdf({ page: `${key} 5 0 R`, objects: [stream] });
const attached = (name: string) =>
  rawPdf({
    catalog: '/Names << /EmbeddedFiles << /Names [(a) 5 0 R] >> >>',
    objects: [`<< /Type /Filespec /F (${name}) /UF (${name}) /EF << /F 6 0 R >> >>`, rawStream('/Type /EmbeddedFile', 'attached bytes')],
  }); // prettier-ignore
const deepTree = (levels: number) =>
  rawPdf({
    pages: '/Kids [5 0 R] /Count 1',
    objects: Array.from({ length: levels }, (_, index) => `<< /Type /Pages /Count 1 /Kids [${index === levels - 1 ? 3 : index + 6} 0 R] >>`),
  }); // prettier-ignore

/** By kind: the hostile PDF, what is said of it; and one that is accepted beside it. */
const REFUSED: [string, Uint8Array, string, Uint8Array][] = [
  ['no PDF', Buffer.from('<html>hi</html>'), 'it is no PDF that can be read, not even in part', rawPdf()],
  ['nothing', new Uint8Array(), 'it is no PDF that can be read, not even in part', rawPdf()],
  ['no pages', rawPdf({ pages: '/Kids [] /Count 0' }), 'it has no pages', rawPdf({ pages: '/Kids [3 0 R null] /Count 2' })],
  ['XFA without pages of its own', rawPdf({ catalog: '/AcroForm << /Fields [] /XFA 4 0 R >>' }), 'it is an XFA form without pages of its own; allowed: a form that was saved as a plain PDF', rawPdf({ catalog: '/AcroForm << /Fields [] >>' })],
  ['a program that is attached', attached('setup.EXE'), 'it has the attached file "setup.EXE"; allowed: no programs', attached('invoice.xml')],
  ['a page that is too wide', rawPdf({ page: '/MediaBox [0 0 14401 300]' }), 'page 1: its MediaBox is 14401 × 300 units of 1 points; allowed: 0.1 to 14400 units, at most 100000 points', rawPdf({ page: '/MediaBox [0 0 14400 300]' })],
  ['a page that is too wide by its unit', rawPdf({ page: '/MediaBox [0 0 14400 300] /UserUnit 75' }), 'page 1: its MediaBox is 14400 × 300 units of 75 points; allowed: 0.1 to 14400 units, at most 100000 points', rawPdf({ page: '/UserUnit 75' })],
  ['a unit that is no number', rawPdf({ page: '/UserUnit -1' }), 'page 1 has a UserUnit that is no positive number', rawPdf({ page: '/UserUnit 2' })],
  ['a picture that is too large', image(60_000, 60_000), 'it has a picture of 60000 × 60000 pixels; allowed: 250000000 pixels', image(15_000, 15_000)],
  ['a bomb', withStream(flate(1, zeros(280_000_000))), 'one of its streams would have more than 268435456 bytes when unpacked; allowed: 268435456 bytes', withStream(flate(1, zeros(2_000_000)))],
  ['a bomb in a bomb', withStream(flate(2, zeros(280_000_000))), 'one of its streams would have more than 268435456 bytes when unpacked; allowed: 268435456 bytes', withStream(flate(2, zeros(2_000_000)))],
  ['a bomb that is damaged', withStream(rawStream('/Filter /FlateDecode', Buffer.concat([packed(zeros(280_000_000)).subarray(0, -9), Buffer.alloc(9, 0xff)]))), 'one of its streams would have more than 268435456 bytes when unpacked; allowed: 268435456 bytes', withStream(rawStream('/Filter /FlateDecode', 'damaged'))],
  ['many filters', withStream(flate(5, zeros(9))), 'it has a stream with 5 filters; allowed: 4', withStream(flate(4, zeros(9)))],
  ['a tree of pages that is too deep', deepTree(251), 'its tree of pages has more than 250 levels', deepTree(20)],
]; // prettier-ignore

describe('an upload that is rewritten', () => {
  it.each(DROPPED)('loses %s', async (_, what, hostile, gone, harmless, kept) => {
    expect(text(hostile)).toMatch(gone);
    const result = await rewritten(hostile);
    expect(result.text).not.toMatch(gone);
    expect(result.dropped).toContain(what);
    const other = await rewritten(harmless);
    expect(other.text).toMatch(kept);
    expect(other.dropped).toEqual([]);
  });

  it.each(REFUSED)('is refused for %s', async (_, hostile, message, accepted) => {
    expect(await refusal(hostile)).toBe(`${field}: ${message}`);
    expect((await rewritten(accepted)).pages).toBe(1);
  });

  it('keeps the files that are attached', async () => {
    expect((await rewritten(attached('invoice.xml'))).text).toMatch(/attached bytes/);
  });

  it('has each page once, whatever its tree says, and pages that are there twice as two', async () => {
    const loop = rawPdf({ pages: '/Kids [2 0 R 3 0 R 3 0 R] /Count 2000000000 /Rotate -90 /MediaBox [0 0 100 200]' });
    const { pages, text: result } = await rewritten(loop);
    expect(pages).toBe(2);
    expect(result.match(/\/Rotate 270/g)).toHaveLength(2);
    expect(result).toMatch(/\/Count 2 /);
    expect((await rewritten(rawPdf({ page: '/MediaBox [0 0 1e9 1e9]' }))).text).toMatch(/MediaBox \[ 0 0 595.276 841.89 \]/); // prettier-ignore
  });

  it.each([
    ['bookmarks that lead back', '/Outlines 5 0 R', ['<< /First 6 0 R /Last 6 0 R >>', '<< /Title (a) /Parent 5 0 R /Next 7 0 R >>', '<< /Title (b) /Parent 5 0 R /Next 6 0 R /First 5 0 R >>'], /\(a\)[^]*\(b\)/],
    ['tags that contain themselves', '/StructTreeRoot 5 0 R', ['<< /Type /StructTreeRoot /K [6 0 R] >>', '<< /S /Document /P 5 0 R /K [7 0 R] >>', '<< /S /P /P 6 0 R /K [0 6 0 R] >>'], /\/K \[ 0 \]/],
    ['names that contain themselves', '/Names << /Dests 5 0 R >>', ['<< /Kids [6 0 R 5 0 R] >>', '<< /Limits [(a) (a)] /Names [(a) [3 0 R /Fit]] /Kids [5 0 R] >>'], /\/Limits/],
    ['fields that contain themselves', '/AcroForm << /Fields [5 0 R] >>', ['<< /T (a) /Kids [6 0 R] >>', '<< /T (b) /Parent 5 0 R /Kids [5 0 R 6 0 R] >>'], /\(b\)/],
  ] as const)('has trees that end: %s', async (_, catalog, objects, kept) => {
    const result = await rewritten(rawPdf({ catalog, objects }));
    expect(result.dropped).toEqual(['loops in a tree']);
    expect(result.text).toMatch(kept);
    expect((await rewritten(Buffer.from(result.text, 'latin1'))).dropped).toEqual([]);
  }); // prettier-ignore

  const encrypted = (user: string, owner = 'owner') => qpdf(rawPdf({ content: 'q Q % content' }), ['--encrypt', user, owner, '256', '--print=none', '--', '--stream-data=preserve', '/in.pdf', '/out.pdf']); // prettier-ignore

  it('is decrypted with its password, or without one if it needs none', async () => {
    const locked = await encrypted('geheim');
    expect(text(locked)).not.toMatch(/% content/);
    expect((await rewritten(locked, 'geheim')).text).toMatch(/% content/);
    expect((await rewritten(await encrypted('geheim', 'größer'), 'größer')).text).toMatch(/% content/);
    expect(await refusal(locked)).toBe(`${field}.password: required: the PDF is encrypted`);
    expect(await refusal(locked, 'falsch')).toBe(`${field}.password: it does not open the PDF`);
    const restricted = await encrypted('');
    for (const password of [undefined, 'not needed'])
      expect((await rewritten(restricted, password)).text).not.toMatch(/\/Encrypt/);
    expect((await rewritten(rawPdf(), 'not needed')).pages).toBe(1);
  });

  it('is repaired if it can be, also when its table is gone', async () => {
    const whole = text(rawPdf({ content: 'q Q % content' }));
    const hugeTable = whole.replace(/xref\n0 5/, 'xref\n0 2000000000');
    for (const damaged of [hugeTable, whole.slice(0, whole.indexOf('startxref')), whole.replace('startxref', 'startxxxx')])
      expect(text(await qpdf(Buffer.from((await rewritten(Buffer.from(damaged, 'latin1'))).text, 'latin1'), ['--stream-data=uncompress', '/in.pdf', '/out.pdf']))).toMatch(/% content/); // prettier-ignore
  });
});
