import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Conformance,
  FACTURX_LEVELS,
  type Finishing,
  finishingSchema,
  isArchive,
} from '../../src/domain/finishing.ts';
import { impliedConformance, impliedOptions } from '../../src/domain/implied-options.ts';
import type { PdfBytes } from '../../src/domain/outcome.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { parseXml } from '../../src/finishing/parse-xml.ts';
import { checkable, identify } from '../../src/finishing/check/check-metadata.ts';
import { checkPdf } from '../../src/finishing/check/check-pdf.ts';
import { PdfFile } from '../../src/finishing/check/pdf-file.ts';
import type { Finisher } from '../../src/finishing/finisher.ts';
import { PDF } from '../../src/finishing/libpdf.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import { STEPS } from '../../src/finishing/steps.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { Span } from '../../src/telemetry/span.ts';
import { startFinisher } from '../support/finisher.ts';
import { invoiceXml } from '../support/invoices.ts';
import { runPdfTool } from '../support/pdf-tools.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer();
let finisher: Finisher;
beforeAll(async () => {
  await renderer.start();
  finisher = await startFinisher({ steps: STEPS, caps: { maxBytes: 50 * MEGABYTE, maxPages: 5_000, memoryBytes: 800 * MEGABYTE } }); // prettier-ignore
});
afterAll(() => renderer.stop());

const INVOICE = `<!doctype html><html lang="de"><title>Rechnung 7</title>
<style>
  .box { box-shadow: 0 0 12px rgba(0, 0, 0, 0.5); background: linear-gradient(#eee, #ccc); border-radius: 8px; padding: 20px }
  .plain { list-style: none }
  .faint { opacity: 0.5 }
</style>
<h1>Rechnung 7</h1>
<p class="box">An <b>Ann &amp; Söhne</b> <span class="faint">Kopie</span></p>
<img alt="Ein grüner Kreis" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='30' height='30'%3E%3Ccircle cx='15' cy='15' r='10' fill='green'/%3E%3C/svg%3E">
<table><thead><tr><th scope="col">Ware<th scope="col">Preis</thead><tbody><tr><td>Tee<td>3,50</tbody></table>
<ul><li>bald zahlen</ul><ul class="plain"><li>danke</ul>
<p><a href="https://example.com/agb">AGB</a>, <a href="#anhang">Anhang</a></p>
<h2 id="anhang" style="break-before: page">Anhang</h2><p>Seite zwei</p></html>`;

const PRINT = { displayHeaderFooter: true, footerTemplate: '<span class="pageNumber" style="font-size: 9px"></span>', margin: { bottom: '1in' } }; // prettier-ignore

/** The same, without anything that is transparent. */
const OPAQUE = INVOICE.replace(/box-shadow:[^;]*;/, '').replace('opacity: 0.5', 'color: grey');
/** A picture of 16 by 16 pixels, from transparent at the left to red at the right. */
const FADING =
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAPUlEQVR4nGP4z8DAAMSCQKwExMZA7ALEoUCcBsTlQNwBxDOBeBUQ7wbiM0B8F4jf/QdpHTVg1IBRA4aLAQA/jH6QhajKngAAAABJRU5ErkJggg==';

/** As the worker does it: printed, then finished. */
async function make(
  finishing: unknown,
  { html = INVOICE, files = {} }: { html?: string; files?: Record<string, string> } = {},
) {
  const parsed = finishingSchema.parse(finishing);
  const request = { html, options: { ...PRINT, ...impliedOptions(parsed) } };
  const pdf: PdfBytes = await pdfOf(renderer, request);
  return finish(pdf, parsed, files);
}

async function finish(
  pdfs: PdfBytes | PdfBytes[],
  finishing: Finishing,
  files: Record<string, string | Uint8Array> = {},
  isUploaded = false,
) {
  const parsed = parsePdfRequest({ html: 'x' });
  if (!parsed.ok) throw new Error('the request is not valid');
  const outcome = await finisher.finish([pdfs].flat(), {
    settings: parsed.request,
    result: { finishing },
    parts: [pdfs].flat().map(() => ({ isUploaded })),
    files: Object.entries(files).map(([name, content]) => ({ name, chunks: [Buffer.from(content)] })),
    timeoutMs: 60_000,
    tenant: 'ann',
    span: new Span(),
  });
  return outcome;
}

async function made(...args: Parameters<typeof make>): Promise<Uint8Array> {
  const outcome = await make(...args);
  if (outcome.kind !== 'done') throw new Error(inspect(outcome));
  return Buffer.concat(outcome.files[0]?.chunks ?? []);
}

const bytesOf = ({ chunks }: Pick<PdfBytes, 'chunks'>) => Buffer.concat(chunks);

async function inStandardFont(): Promise<Uint8Array> {
  const pdf = PDF.create();
  pdf.addPage().drawText('A stamp', { x: 50, y: 50 });
  return pdf.save();
}

/** A PDF that is given, as one of the job's files or another job's. */
async function changed(given: Uint8Array, finishing: unknown, files: Record<string, string | Uint8Array> = {}) {
  const pdf = { chunks: [Buffer.from(given)], size: given.length, pages: 1, sha256: '' };
  const outcome = await finish(pdf, finishingSchema.parse(finishing), files, true);
  if (outcome.kind !== 'done') throw new Error(inspect(outcome));
  return Buffer.concat(outcome.files[0]?.chunks ?? []);
}

/** What a PDF says that it is. @param password that opens it */
async function saidBy(pdf: Uint8Array): Promise<{ conformance: Conformance[]; facturx: string | undefined }> {
  const file = new PdfFile(await qpdf(pdf, ['--password=open', '--decrypt', '--object-streams=disable', '/in.pdf', '/out.pdf'])); // prettier-ignore
  return { conformance: checkable(identify(file)), facturx: /<fx:ConformanceLevel>(.*?)</.exec(await xmpOf(pdf))?.[1] };
}

/** The XMP as it is in the file, in plain sight. */
async function xmpOf(pdf: Uint8Array): Promise<string> {
  const plain = Buffer.from(await qpdf(pdf, ['--password=open', '--decrypt', '--qdf', '--object-streams=disable', '/in.pdf', '/out.pdf'])); // prettier-ignore
  const start = plain.indexOf('<?xpacket begin');
  const xmp = plain.subarray(start, plain.indexOf('<?xpacket end', start));
  parseXml(xmp); // it is well-formed
  return xmp.toString();
}

/** What qpdf says of it as JSON. */
const asked = async (pdf: Uint8Array, ...options: string[]) =>
  Buffer.from(await qpdf(pdf, ['--json', ...options, '/in.pdf', '/out.json'], { output: '/out.json' })).toString();

const SETS: Conformance[][] = [['PDF/A-2b'], ['PDF/A-3b'], ['PDF/UA-1'], ['PDF/A-2b', 'PDF/UA-1'], ['PDF/A-3b', 'PDF/UA-1']]; // prettier-ignore

describe('conformance', () => {
  it.each(SETS.map((set) => [set.join(' and '), set] as const))('%s holds, and is said', async (_, conformance) => {
    const pdf = await made({ conformance, properties: { author: 'Jürgen', keywords: ['a', 'b'], custom: { 'Order no.': '7', '1x': 'a', 注文: 'b' } } }); // prettier-ignore
    expect(await checkPdf(pdf, conformance)).toEqual([]);
    const xmp = await xmpOf(pdf);
    const archive = conformance.find(isArchive);
    expect(/<pdfaid:part>(\d)/.exec(xmp)?.[1]).toBe(archive?.charAt(6));
    expect(xmp.includes('<pdfuaid:part>1</pdfuaid:part>')).toBe(conformance.includes('PDF/UA-1'));
    expect(xmp).toContain('Rechnung 7</rdf:li>');
    expect(xmp).toContain('Jürgen');
  });

  it.each([[['PDF/A-1b']], [['PDF/A-1b', 'PDF/UA-1']]] as [Conformance[]][])('%s holds of what is opaque, as PDF 1.4', async (conformance) => {
    const pdf = await made({ conformance, properties: { title: 'Größe – 7', author: 'Jürgen “J”', keywords: ['a', 'b'], custom: { 'Order no.': '7' } } }, { html: OPAQUE }); // prettier-ignore
    expect(await checkPdf(pdf, conformance)).toEqual([]);
    expect(await saidBy(pdf)).toEqual({ conformance, facturx: undefined });
    expect(Buffer.from(pdf).toString('latin1', 0, 8)).toBe('%PDF-1.4');
    expect(runPdfTool('qpdf', ['--check', '{}'], pdf)).toMatchObject({ status: 0 });
    const fonts = runPdfTool('pdffonts', ['{}'], pdf).output;
    expect(fonts).toContain('CID TrueType');
  }); // prettier-ignore

  it.each([
    ['opacity', '<p style="opacity: 0.5">x', '6.4-6'],
    ['a colour with alpha', '<p style="color: rgba(0, 0, 0, 0.5)">x', '6.4-6'],
    ['a border with alpha', '<svg width="20" height="20"><path d="M0 0L9 9" stroke="red" stroke-opacity="0.5"/></svg>', '6.4-5'],
    ['a shadow', '<p style="box-shadow: 0 0 12px rgba(0, 0, 0, 0.5)">x', '6.4-1'],
    ['blending', '<p style="mix-blend-mode: multiply; background: yellow">x', '6.4-4'],
  ])('PDF/A-1b is refused for %s, by its rule', async (_, body, rule) => {
    const outcome = await make({ conformance: 'PDF/A-1b' }, { html: `<html lang="en"><title>T</title>${body}` });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'not_conformant', message: expect.stringContaining(`[ISO 19005-1:2005 ${rule}]`) as string }); // prettier-ignore
  }); // prettier-ignore

  it('PDF/A-1b paints a picture with transparency on white', async () => {
    const html = `<html lang="en"><title>T</title><body style="margin: 0"><img alt="x" width="80" height="80" src="data:image/png;base64,${FADING}">`;
    const pdf = await made({ conformance: 'PDF/A-1b' }, { html });
    expect(await checkPdf(pdf, ['PDF/A-1b'])).toEqual([]);
    const later = await made({ conformance: 'PDF/A-2b' }, { html });
    expect(runPdfTool('pdfimages', ['-list', '{}'], later).output).toContain('smask');
    expect(runPdfTool('pdfimages', ['-list', '{}'], pdf).output).toMatch(/^(?!.*smask).* mask /s);
    const pixels = [pdf, later].map((each) => runPdfTool('pdftoppm', ['-r', '36', '-f', '1', '-l', '1', '{}', '{dir}/page'], each).files.get('page-1.ppm')); // prettier-ignore
    const [one, two] = pixels as [Buffer, Buffer];
    expect(one.length).toBe(two.length);
    expect(one.reduce((most, byte, at) => Math.max(most, Math.abs(byte - (two[at] ?? 0))), 0)).toBeLessThan(12);
  });

  it('PDF/A-1b stays as long as it holds, and is made of PDF/A-2b', async () => {
    const older = await made({ conformance: ['PDF/A-1b'] }, { html: OPAQUE });
    const turned = await changed(older, { rotate: 90 });
    expect(await saidBy(turned)).toMatchObject({ conformance: ['PDF/A-1b'] });
    expect(await checkPdf(turned, ['PDF/A-1b'])).toEqual([]);
    const linearized = await changed(older, { linearize: true });
    expect(await checkPdf(linearized, ['PDF/A-1b'])).toEqual([]);
    const later = await made({ conformance: ['PDF/A-2b'] }, { html: OPAQUE });
    expect(await checkPdf(await changed(later, { conformance: ['PDF/A-1b'] }), ['PDF/A-1b'])).toEqual([]);
    const withFile = await changed(older, { attachments: [{ file: 'a.txt' }] }, { 'a.txt': 'x' });
    expect(await saidBy(withFile)).toMatchObject({ conformance: [] });
  });

  it('is made again of what has it', async () => {
    const conformance = ['PDF/A-3b', 'PDF/UA-1'] as const;
    const finishing = finishingSchema.parse({ conformance });
    const once = await made({ conformance });
    const pdf = { chunks: [Buffer.from(once)], size: once.length, pages: 2, sha256: '' };
    const outcome = await finish(pdf, finishing);
    if (outcome.kind !== 'done') throw new Error(inspect(outcome));
    const twice = Buffer.concat(outcome.files[0]?.chunks ?? []);
    expect(await checkPdf(twice, conformance)).toEqual([]);
    expect(twice.length).toBeLessThan(once.length * 1.2);
  });

  it.each([
    ['a figure without text', '<img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" width="20" height="20">', /page 1: .*alt/],
    ['headings that skip a level', '<h1>a</h1><h3>b</h3>', /h3/],
  ])('is refused for %s, with what to do', async (_, body, message) => {
    const outcome = await make({ conformance: 'PDF/UA-1' }, { html: `<html lang="en"><title>T</title>${body}` });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'not_conformant', message: expect.stringMatching(message) as string }); // prettier-ignore
  }); // prettier-ignore

  it('of PDF/UA needs a title, of the document or of the request', async () => {
    const html = '<html lang="en"><p>text';
    const without = await make({ conformance: 'PDF/UA-1' }, { html });
    expect(without).toMatchObject({ code: 'not_conformant', message: expect.stringContaining('write a <title>, or properties.title') as string }); // prettier-ignore
    const pdf = await made({ conformance: 'PDF/UA-1', properties: { title: 'Given' } }, { html });
    expect(await checkPdf(pdf, ['PDF/UA-1'])).toEqual([]);
  });

  it('of PDF/UA needs a title of the request if titled documents are merged', async () => {
    const conformance = ['PDF/UA-1'] as const;
    const parts: PdfBytes[] = [];
    for (const title of ['One', 'Two'])
      parts.push(await pdfOf(renderer, { html: `<html lang="en"><title>${title}</title><p>text`, options: impliedOptions(finishingSchema.parse({ conformance })) })); // prettier-ignore
    expect(await finish(parts, finishingSchema.parse({ conformance }))).toMatchObject({
      code: 'not_conformant',
      message: 'the PDF is not PDF/UA-1: the merged document has no title of its own: set finishing.properties.title [ISO 14289-1:2014 7.1-9]', // prettier-ignore
    });
    const titled = await finish(parts, finishingSchema.parse({ conformance, properties: { title: 'Both' } }));
    expect(titled).toMatchObject({ kind: 'done', files: [{ pages: 2 }] });
  });

  it.each([
    ['a language as systems write it', '<html lang="en_US"><title>T</title><p>text'],
    ['no language', '<title>T</title><p>text'],
    ['a form and a drawing', '<html lang="en"><title>T</title><form><label>Name <input value="Ann"></label><button>Go</button></form><svg role="img" aria-label="A line" width="20" height="20"><path d="M0 0L9 9" stroke="red"/></svg>'],
    ['tags of PDF 2.0', '<html lang="en"><title>T</title><aside>a <em>b</em> <strong>c</strong></aside><ul style="list-style: none"><li><aside>d</aside></ul>'],
    ['layers that are blended', '<html lang="en"><title>T</title><div style="opacity: 0.5; box-shadow: 0 0 9px red"><h1>a</h1><p style="mix-blend-mode: multiply; background: yellow">b <a href="mailto:a@example.com">c</a></div>'],
    ['ordered lists in lists', '<html lang="en"><title>T</title><ol><li>a<ul style="list-style: none"><li>b<li><p>c</ul></ol>'],
    ['other writing', '<html lang="ar" dir="rtl"><title>T</title><p>مرحبا <b>بالعالم</b> fi ffi'],
  ])('of PDF/UA holds with %s', async (_, html) => {
    const conformance = ['PDF/A-3b', 'PDF/UA-1'] as const;
    expect(await checkPdf(await made({ conformance }, { html }), conformance)).toEqual([]);
  }); // prettier-ignore

  it('of PDF/UA is refused for a PDF without tags', async () => {
    const pdf = await pdfOf(renderer, { html: INVOICE });
    const outcome = await finish(pdf, finishingSchema.parse({ conformance: 'PDF/UA-1' }));
    expect(outcome).toMatchObject({ code: 'not_conformant', message: expect.stringContaining('tagged') as string });
  });
});

describe('what a given PDF says that it is', () => {
  const BOTH: Conformance[] = ['PDF/A-2b', 'PDF/UA-1'];
  let plain: Uint8Array;
  beforeAll(async () => {
    plain = await pdfOf(renderer, { html: '<p style="font-family: serif">A letterhead' }).then(bytesOf);
  });

  it.each<[string, object, Conformance[]]>([
    ['rotated', { rotate: 90 }, BOTH],
    ['of fewer pages', { pages: '1' }, BOTH],
    ['with a first heading that is none of h1', { pages: '2,1' }, ['PDF/A-2b']],
    ['with a title', { properties: { title: 'New' } }, BOTH],
    ['with bookmarks', { bookmarks: [{ title: 'One', page: 1 }] }, BOTH],
    ['with a layer that is right', { overlay: [{ pdf: 'plain.pdf' }] }, BOTH],
    ['linearized', { linearize: true }, BOTH],
    ['with an attachment', { attachments: [{ file: 'plain.pdf' }] }, ['PDF/UA-1']],
    ['with a title and an attachment', { properties: { title: 'New' }, attachments: [{ file: 'plain.pdf' }] }, ['PDF/UA-1']],
    ['encrypted', { encrypt: { userPassword: 'open' } }, ['PDF/UA-1']],
    ['with fonts that are not embedded', { overlay: [{ pdf: 'standard.pdf' }] }, []],
    ['asked for another', { conformance: ['PDF/A-3b'] }, ['PDF/A-3b', 'PDF/UA-1']],
    ['asked for one of them', { conformance: ['PDF/UA-1'] }, BOTH],
  ])('is said only if it holds: %s', async (_, finishing, claims) => {
    const given = await made({ conformance: BOTH });
    const pdf = await changed(given, finishing, { 'plain.pdf': plain, 'standard.pdf': await inStandardFont() });
    const said = await saidBy(pdf);
    expect(said.conformance).toEqual(claims);
    const isEncrypted = 'encrypt' in finishing;
    if (!isEncrypted) expect(await checkPdf(pdf, said.conformance)).toEqual([]);
  }); // prettier-ignore

  it.each<[string, object, Conformance[], string | undefined]>([
    ['with a title', { properties: { title: 'New' } }, ['PDF/A-3b'], 'MINIMUM'],
    ['asked for PDF/UA-1', { conformance: ['PDF/UA-1'] }, ['PDF/A-3b', 'PDF/UA-1'], 'MINIMUM'],
    ['asked for PDF/A-3b', { conformance: ['PDF/A-3b'] }, ['PDF/A-3b'], 'MINIMUM'],
    ['encrypted', { encrypt: { userPassword: 'open' } }, [], undefined],
  ])('may be an invoice: %s', async (_, finishing, claims, level) => {
    const facturx = { xml: invoiceXml('MINIMUM'), level: 'MINIMUM' };
    const html = '<!doctype html><html lang="de"><title>R</title><h1>R</h1>';
    const parsed = finishingSchema.parse({ facturx });
    const printed = await pdfOf(renderer, { html, options: { tagged: true } });
    const given = await finish(printed, parsed);
    if (given.kind !== 'done') throw new Error(JSON.stringify(given));
    const pdf = await changed(bytesOf(given.files[0] as PdfBytes), finishing);
    expect(await saidBy(pdf)).toEqual({ conformance: claims, facturx: level });
    if (level) expect(await checkPdf(pdf, claims)).toEqual([]);
  });

  it('is not said any more if it cannot be checked', async () => {
    const given = Buffer.from(await qpdf(await made({ conformance: ['PDF/A-2b'] }), ['--qdf', '--stream-data=uncompress', '/in.pdf', '/out.pdf'])); // prettier-ignore
    const first = Buffer.from(given.toString('latin1').replace('<pdfaid:part>2<', '<pdfaid:part>4<'), 'latin1');
    expect(await xmpOf(first)).toContain('<pdfaid:part>4<');
    expect(await xmpOf(await changed(first, { rotate: 90 }))).not.toContain('pdfaid');
    const damaged = Buffer.from(given.toString('latin1').replace('<dc:format>', '<dc:formax>'), 'latin1');
    expect(await xmpOf(await changed(damaged, { rotate: 90 }))).not.toContain('pdfaid');
  });
});

describe('facturx', () => {
  it.each(FACTURX_LEVELS)('%s is PDF/A-3b with its XML', async (level) => {
    const xml = invoiceXml(level);
    const fromFile = level === 'EXTENDED';
    const facturx = fromFile ? { file: 'in/voice.xml', level } : { xml, level };
    const files: Record<string, string> = fromFile ? { 'in/voice.xml': xml } : {};
    const pdf = await made({ facturx }, { files });
    expect(await checkPdf(pdf, impliedConformance(finishingSchema.parse({ facturx })))).toEqual([]);
    const name = level === 'XRECHNUNG' ? 'xrechnung.xml' : 'factur-x.xml';
    const found = JSON.parse(await asked(pdf, '--json-key=attachments')) as { attachments: object };
    expect(found.attachments).toMatchObject({ [name]: { streams: { '/UF': { mimetype: 'text/xml' } } } });
    expect(await xmpOf(pdf)).toContain(`<fx:ConformanceLevel>${level}</fx:ConformanceLevel>`);
  });

  it('conforms to PDF/UA too, beside other attachments', async () => {
    const finishing = {
      facturx: { xml: invoiceXml('EN 16931'), level: 'EN 16931' },
      conformance: ['PDF/UA-1'],
      attachments: [{ file: 'terms.txt', relationship: 'Supplement', description: 'Terms' }],
    };
    const pdf = await made(finishing, { files: { 'terms.txt': 'pay soon' } });
    expect(await checkPdf(pdf, ['PDF/A-3b', 'PDF/UA-1'])).toEqual([]);
  });
});
