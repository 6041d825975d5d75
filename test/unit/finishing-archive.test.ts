import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Finishing } from '../../src/domain/finishing.ts';
import { attach } from '../../src/finishing/archive/attach.ts';
import { cureAccessible } from '../../src/finishing/archive/cure-accessible.ts';
import { cureArchive } from '../../src/finishing/archive/cure-archive.ts';
import { languageTag } from '../../src/finishing/archive/cure-languages.ts';
import { cureLists } from '../../src/finishing/archive/cure-lists.ts';
import { EmbeddedFiles } from '../../src/finishing/archive/embedded-files.ts';
import { addInvoice } from '../../src/finishing/archive/facturx.ts';
import { infoDictionary } from '../../src/finishing/archive/info.ts';
import { propertiesIn } from '../../src/finishing/archive/kept-xmp.ts';
import { writeMetadata } from '../../src/finishing/archive/metadata.ts';
import { parseXml, type XmlElement } from '../../src/finishing/parse-xml.ts';
import { formatPdfDate, formatXmpDate, parseIsoDate, parsePdfDate } from '../../src/finishing/archive/pdf-date.ts';
import { setProperties } from '../../src/finishing/archive/properties.ts';
import { srgbProfile } from '../../src/finishing/archive/srgb-profile.ts';
import { Draft } from '../../src/finishing/draft.ts';
import { PDF, PdfArray, PdfBool, PdfDict, PdfName, PdfNumber, type PdfObject, type PdfRef, PdfStream, PdfString } from '../../src/finishing/libpdf.ts'; // prettier-ignore
import { qpdf } from '../../src/finishing/qpdf.ts';
import type { StepContext } from '../../src/finishing/step.ts';
import { invoiceXml } from '../support/invoices.ts';
import { stepContext } from '../support/step-context.ts';

const NOW = "D:20260102030405+01'00'";

/** One empty page, with dates. */
async function draftOf(change: (pdf: PDF) => void = () => undefined): Promise<Draft> {
  const pdf = PDF.create();
  pdf.addPage();
  const info = infoDictionary(pdf);
  for (const name of ['Title', 'Author', 'Creator', 'Producer']) info.delete(name);
  for (const name of ['CreationDate', 'ModDate']) info.set(name, PdfString.fromString(NOW));
  change(pdf);
  return new Draft({ bytes: await pdf.save(), pages: 1 });
}

const text = (element: XmlElement): string => element.text + element.children.map(text).join('');

/** What the XMP says, by name; lists are joined. */
function xmpOf(pdf: PDF): Record<string, string> {
  const stream = pdf.context.catalog.getDict().get('Metadata', (ref) => pdf.context.resolve(ref));
  if (!(stream instanceof PdfStream)) throw new Error('there is no XMP');
  const rdf = parseXml(stream.getDecodedData()).children[0];
  const values = rdf?.children.flatMap(({ children }) => children) ?? [];
  return Object.fromEntries(values.map((value) => [value.name, value.children[0]?.children.map(text).join('|') ?? value.text])); // prettier-ignore
}

/** As it is read after it was written. */
const reread = async (draft: Draft | undefined) => PDF.load((await draft?.bytes()) ?? new Uint8Array());

const infoOf = (pdf: PDF) =>
  Object.fromEntries([...infoDictionary(pdf)].map(([{ value }, entry]) => [value, entry instanceof PdfString ? entry.asString() : ''])); // prettier-ignore

const resolveIn = (pdf: PDF) => (ref: PdfRef) => pdf.context.resolve(ref);
const noFiles: StepContext = stepContext();
const withFiles = (files: Record<string, string>): StepContext => ({
  ...noFiles,
  files: new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)])),
});

describe('properties', () => {
  const set = async (properties: NonNullable<Finishing['properties']>, draft?: Draft) => {
    const [done] = await setProperties([draft ?? (await draftOf())], { properties });
    return reread(done);
  };

  it('are the same in Info and XMP, in any script', async () => {
    const pdf = await set({
      title: 'Ärger & <Folgen> "東京" 😀',
      author: 'A (b) \\ c',
      subject: 'What it is about – €',
      keywords: ['one', 'zwei ü'],
      creator: 'My program',
      language: 'de-AT',
      custom: { 'Order no.': 'x<1>', plain: 'ok' },
    });
    expect(infoOf(pdf)).toEqual({
      Title: 'Ärger & <Folgen> "東京" 😀',
      Author: 'A (b) \\ c',
      Subject: 'What it is about – €',
      Keywords: 'one, zwei ü',
      Creator: 'My program',
      'Order no.': 'x<1>',
      plain: 'ok',
      CreationDate: NOW,
      ModDate: NOW,
    });
    expect(xmpOf(pdf)).toEqual({
      format: 'application/pdf',
      title: 'Ärger & <Folgen> "東京" 😀',
      creator: 'A (b) \\ c',
      description: 'What it is about – €',
      subject: 'one|zwei ü',
      Keywords: 'one, zwei ü',
      CreatorTool: 'My program',
      CreateDate: '2026-01-02T03:04:05+01:00',
      ModifyDate: '2026-01-02T03:04:05+01:00',
      'Orderↂ0020no.': 'x<1>',
      plain: 'ok',
    });
    expect(pdf.context.catalog.getDict().getString('Lang')?.asString()).toBe('de-AT');
  });

  it('that are absent stay', async () => {
    const before = await draftOf((pdf) => infoDictionary(pdf).set('Title', PdfString.fromString('Before')));
    const pdf = await set({ author: 'Ann' }, before);
    expect(infoOf(pdf)).toMatchObject({ Title: 'Before', Author: 'Ann' });
    expect(xmpOf(pdf)).toMatchObject({ title: 'Before', creator: 'Ann' });
  });

  it('of a file that is odd become something that both can say', async () => {
    const odd = await draftOf((pdf) => {
      const info = infoDictionary(pdf);
      info.set('Title', PdfString.fromBytes(Buffer.from('feff004100010042d800', 'hex')));
      info.set('CreationDate', PdfString.fromString('yesterday'));
      info.set('Strange', PdfName.of('Name'));
    });
    const pdf = await set({}, odd);
    const info = infoOf(pdf);
    expect(info).not.toHaveProperty('Strange');
    const created = parsePdfDate(info.CreationDate ?? '');
    expect(Math.abs((created?.time ?? 0) - Date.now())).toBeLessThan(600_000);
    expect(xmpOf(pdf)).toMatchObject({ title: info.Title, CreateDate: created && formatXmpDate(created) });
    expect(info.Title).toMatch(/^AB/);
  });

  it('leave what else XMP says, unless it is to be an archive', async () => {
    const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:m="urn-of:mine/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="7">
        <m:Simple>a &amp; b</m:Simple><m:List><rdf:Bag><rdf:li>x</rdf:li><rdf:li>y</rdf:li></rdf:Bag></m:List>
        <m:Fields rdf:parseType="Resource"><m:Inner>z</m:Inner></m:Fields>
        <dc:rights><rdf:Alt><rdf:li xml:lang="de">meins</rdf:li></rdf:Alt></dc:rights>
        <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Before</rdf:li></rdf:Alt></dc:title>
      </rdf:Description></rdf:RDF></x:xmpmeta>`;
    const before = await draftOf((pdf) => {
      const stream = PdfStream.fromDict({ Type: PdfName.of('Metadata') }, Buffer.from(xmp));
      pdf.context.catalog.getDict().set('Metadata', pdf.context.register(stream));
    });
    const pdf = await set({ title: 'After' }, before);
    const said = () => new Map((propertiesIn(pdf) ?? []).map(({ space, name, value }) => [`${space}${name}`, value]));
    const found = said();
    expect(found.get('urn-of:mine/Simple')).toEqual({ kind: 'text', text: 'a & b' });
    expect(found.get('urn-of:mine/List')).toMatchObject({ kind: 'Bag', items: [{ value: { text: 'x' } }, { value: { text: 'y' } }] }); // prettier-ignore
    expect(found.get('urn-of:mine/Fields')).toMatchObject({ kind: 'fields', fields: [{ name: 'Inner', value: { text: 'z' } }] }); // prettier-ignore
    expect(found.get('http://purl.org/dc/elements/1.1/rights')).toMatchObject({ items: [{ language: 'de', value: { text: 'meins' } }] }); // prettier-ignore
    expect(found.get('http://purl.org/dc/elements/1.1/title')).toMatchObject({ items: [{ value: { text: 'After' } }] });
    expect([...found.keys()].filter((name) => name.includes('aiim'))).toEqual([]);
    writeMetadata(pdf, { conformance: ['PDF/A-3b'] });
    expect([...said().keys()].filter((name) => name.includes('mine') || name.includes('rights'))).toEqual([]);
  });

  it('keep keywords apart that have commas', async () => {
    expect(xmpOf(await set({ keywords: ['a, b', 'c'] }))).toMatchObject({ subject: 'a, b|c', Keywords: 'a, b; c' });
  });

  it('are written where there was no Info', async () => {
    const bytes = await (await draftOf()).bytes();
    const bare = await PDF.load(bytes);
    bare.context.info.trailer.delete('Info');
    bare.context.catalog.getDict().set('PageMode', PdfName.of('UseNone'));
    const pdf = await set({ title: 'T' }, new Draft({ bytes: await bare.save(), pages: 1 }));
    expect(infoOf(pdf)).toMatchObject({ Title: 'T' });
  });
});

describe('dates', () => {
  it.each([
    ["D:20261125193432+01'00'", "D:20261125193432+01'00'", '2026-11-25T19:34:32+01:00'],
    ['D:20261125193432-0330', "D:20261125193432-03'30'", '2026-11-25T19:34:32-03:30'],
    ['D:20261125193432Z', "D:20261125193432+00'00'", '2026-11-25T19:34:32+00:00'],
    ['D:2026', "D:20260101000000+00'00'", '2026-01-01T00:00:00+00:00'],
  ])('%s', (written, pdf, xmp) => {
    const date = parsePdfDate(written);
    expect(date && [formatPdfDate(date), formatXmpDate(date)]).toEqual([pdf, xmp]);
  });

  it.each([
    ['2026-11-25T19:34:32+01:00', '2026-11-25T19:34:32+01:00'],
    ['2026-11-25T19:34:32.5-0330', '2026-11-25T19:34:32-03:30'],
    ['2026-11-25T19:34Z', '2026-11-25T19:34:00+00:00'],
  ])('%s of ISO 8601', (written, xmp) => {
    expect(formatXmpDate(parseIsoDate(written))).toBe(xmp);
  });

  it.each(['', 'D:', 'D:20261325', 'D:20260231', "D:20260101000000+99'00'", '2026-01-01'])('%j is none', (written) => {
    expect(parsePdfDate(written)).toBeUndefined();
  });
});

describe('attachments', () => {
  const list = (draft: Draft | undefined) =>
    draft?.bytes().then((bytes) => qpdf(bytes, ['--json', '--json-key=attachments', '/in.pdf', '/out.json'], { output: '/out.json' })); // prettier-ignore
  const plain = { relationship: 'Unspecified' } as const;

  it('are in the tree of names and in the catalog, with all that is said of them', async () => {
    const context = withFiles({ 'data/ä.csv': 'a;b', 'x.bin': 'x'.repeat(1_000) });
    const [done] = await attach(
      [await draftOf()],
      [
        { file: 'x.bin', relationship: 'Source', description: 'Größe' },
        { file: 'data/ä.csv', name: 'ä.csv', relationship: 'Data' },
      ],
      context,
    );
    const json = JSON.parse(Buffer.from((await list(done)) ?? '').toString()) as Record<string, never>;
    expect(json.attachments).toMatchObject({
      'x.bin': { preferredname: 'x.bin', streams: { '/F': { mimetype: 'application/octet-stream' } } },
      'ä.csv': { preferredname: 'ä.csv', streams: { '/F': { mimetype: 'text/csv' } } },
    });
    const pdf = await reread(done);
    const files = pdf.context.catalog.getDict().getArray('AF', resolveIn(pdf));
    const dictionaries = [0, 1].map((index) => files?.at(index, resolveIn(pdf)) as PdfDict);
    expect(dictionaries.map((each) => each.getName('AFRelationship')?.value)).toEqual(['Source', 'Data']);
    expect(dictionaries[0]?.getString('Desc')?.asString()).toBe('Größe');
    const stream = dictionaries[0]?.getDict('EF')?.get('F', resolveIn(pdf)) as PdfStream;
    expect(inflateSync(stream.data).toString()).toBe('x'.repeat(1_000));
    expect(stream.getDict('Params')?.getNumber('Size')?.value).toBe(1_000);
  });

  it('join those that there are, sorted', async () => {
    const [first] = await attach([await draftOf()], [{ file: 'm', ...plain }], withFiles({ m: '1' }));
    const [second] = await attach([Draft.of(await reread(first), { isUploaded: false })], [{ file: 'z', ...plain }, { file: 'a', ...plain }], withFiles({ a: '2', z: '3' })); // prettier-ignore
    const pdf = await reread(second);
    const names = pdf.context.catalog.getDict().getDict('Names', resolveIn(pdf));
    const leaf = names?.getDict('EmbeddedFiles', resolveIn(pdf))?.getArray('Names');
    expect([...(leaf ?? [])].filter((each) => each instanceof PdfString).map((each) => each.asString())).toEqual(['a', 'm', 'z']); // prettier-ignore
  });

  it.each([
    ['a name twice', [{ file: 'a', ...plain }, { file: 'b', name: 'a', ...plain }], 'finishing.attachments[1].name: the PDF has an attachment "a" already'],
    ['a file that is not there', [{ file: 'c', ...plain }], 'finishing.attachments[0].file: "c" is not among the files'],
  ])('are refused with %s', async (_, attachments, message) => {
    const attaching = attach([await draftOf()], attachments, withFiles({ a: '1', b: '2' }));
    await expect(attaching).rejects.toMatchObject({ code: 'finishing_invalid', message: expect.stringContaining(message) as string }); // prettier-ignore
  }); // prettier-ignore
});

describe('facturx', () => {
  const levels = ['MINIMUM', 'BASIC WL', 'BASIC', 'EN 16931', 'EXTENDED', 'XRECHNUNG'] as const;
  it.each(levels)('%s is embedded as its level wants, and said in XMP', async (level) => {
    const [done] = await addInvoice([await draftOf()], { xml: invoiceXml(level), level }, noFiles);
    const pdf = (await done?.document()) as PDF;
    const name = level === 'XRECHNUNG' ? 'xrechnung.xml' : 'factur-x.xml';
    expect(new EmbeddedFiles(pdf).names).toContain(name);
    const file = pdf.context.catalog.getDict().getArray('AF')?.at(0, resolveIn(pdf)) as PdfDict;
    expect(file.getName('AFRelationship')?.value).toBe(levels.indexOf(level) < 2 ? 'Data' : 'Alternative');
    const stream = file.getDict('EF')?.get('UF', resolveIn(pdf)) as PdfStream;
    expect(inflateSync(stream.data).toString()).toBe(invoiceXml(level));
    writeMetadata(pdf, { conformance: ['PDF/A-3b'], facturx: { level } });
    expect(xmpOf(pdf)).toMatchObject({ DocumentType: 'INVOICE', DocumentFileName: name, Version: '1.0', ConformanceLevel: level, part: '3', conformance: 'B' }); // prettier-ignore
  });

  const valid = invoiceXml('BASIC');
  it.each([
    ['of another level', valid.replace('1p0:basic', '1p0:extended').replace('compliant', 'conformant'), 'which is EXTENDED; expected for BASIC: urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic'],
    ['of an unknown level', valid.replace('1p0:basic', '1p0:simple'), 'urn:factur-x.eu:1p0:simple; expected for BASIC'],
    ['without a level', valid.replace(/<ram:Guideline.*<\/ram:Guideline\w+>/s, ''), 'GuidelineSpecifiedDocumentContextParameter/ID is missing'],
    ['with another root', '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>', 'its root is Invoice of urn:oasis'],
    ['of another namespace', valid.replace(':100"', ':15"'), 'expected: CrossIndustryInvoice of'],
    ['that ends early', valid.slice(0, -10), 'the XML is not right: line'],
    ['with a document type', `<!DOCTYPE a [<!ENTITY b "c">]>${valid.replace(/<\?.*\?>/, '')}`, 'a document type'],
    ['with an entity', valid.replace('BASIC-1', '&bomb;'), '&bomb; is not known'],
    ['with another encoding', valid.replace('UTF-8', 'ISO-8859-1'), 'the encoding is not UTF-8'],
  ])('refuses XML %s', async (_, xml, message) => {
    const adding = addInvoice([await draftOf()], { xml, level: 'BASIC' }, noFiles);
    await expect(adding).rejects.toMatchObject({ code: 'finishing_invalid', message: expect.stringContaining(message) as string }); // prettier-ignore
  }); // prettier-ignore

  it('names the field of a file, and refuses bytes that are not UTF-8', async () => {
    const context = { ...noFiles, files: new Map([['a.xml', Buffer.from([0x3c, 0xff, 0xfe])]]) };
    const adding = addInvoice([await draftOf()], { file: 'a.xml', level: 'BASIC' }, context);
    await expect(adding).rejects.toThrow('finishing.facturx.file: the XML is not right: it is not UTF-8');
  });

  it('refuses a PDF that is an invoice already', async () => {
    const settings = { xml: valid, level: 'BASIC' } as const;
    const drafts = await addInvoice([await draftOf()], settings, noFiles);
    await expect(addInvoice(drafts, settings, noFiles)).rejects.toThrow('"factur-x.xml" already');
  });
});

describe('XML', () => {
  const read = (xml: string) => parseXml(Buffer.from(xml));
  it('is read with namespaces, references and CDATA', () => {
    const root = read('\uFEFF<?xml version="1.0" encoding="utf-8"?>\n<!-- c --><a:b xmlns:a="A" xmlns="D" a:x=\'&lt;\'><c>&#65;&#x1F600;<![CDATA[<&]]></c><c xmlns=""/></a:b>\n'); // prettier-ignore
    expect(root).toMatchObject({ name: 'b', namespace: 'A' });
    expect(root.children).toMatchObject([
      { name: 'c', namespace: 'D', text: 'A😀<&' },
      { name: 'c', namespace: '' },
    ]);
  });

  it.each([
    '', 'a', '<a>', '<a></b>', '</a>', '<a/><b/>', '<a/>x', '<a b/>', '<a b=c/>', '<a b="1" b="2"/>', '<a b="<"/>', '<a b="1"c="2"/>',
    '<x:a/>', '<a x:b="1"/>', '<a xmlns:x="1" xmlns:y="1" x:b="1" y:b="2"/>', '<a>&</a>', '<a>&#0;</a>', '<a>&#xD800;</a>', '<a>&nbsp;</a>', '<a>]]></a>', '<a>\u0001</a>', '<1/>', '< a/>', '<a',
    '<a><!-- </a>', '<a><![CDATA[</a>', '<?xml version="1.0"?><?xml version="1.0"?><a/>', ' <?xml version="1.0"?><a/>', '<!DOCTYPE a><a/>',
    '<a>'.repeat(200) + '</a>'.repeat(200),
  ])('%j is refused', (xml) => {
    expect(() => read(xml)).toThrow(expect.objectContaining({ name: 'XmlInvalid' }));
  }); // prettier-ignore
});

describe('cures', () => {
  it('give PDF/A a profile of sRGB, once', async () => {
    const pdf = await reread(await draftOf());
    cureArchive(pdf, 'PDF/A-3b');
    cureArchive(pdf, 'PDF/A-3b');
    const intents = pdf.context.catalog.getDict().getArray('OutputIntents');
    expect(intents?.length).toBe(1);
    const intent = intents?.at(0, resolveIn(pdf)) as PdfDict;
    const profile = intent.get('DestOutputProfile', resolveIn(pdf)) as PdfStream;
    const bytes = Buffer.from(profile.data);
    expect(bytes.equals(srgbProfile())).toBe(true);
    expect([bytes.readUInt32BE(0), bytes.toString('latin1', 12, 20), bytes.toString('latin1', 36, 40)]).toEqual([bytes.length, 'mntrRGB ', 'acsp']); // prettier-ignore
    expect(bytes.length).toBeLessThan(500);
  });

  it('complete attachments that came with a PDF', async () => {
    const pdf = await reread(await draftOf());
    const stream = pdf.context.register(PdfStream.fromDict({ Type: PdfName.of('EmbeddedFile') }, Buffer.from('x')));
    const file = PdfDict.of({ F: PdfString.fromString('old.txt'), EF: PdfDict.of({ F: stream }) });
    const names = PdfDict.of({ Names: PdfArray.of(PdfString.fromString('old'), file) });
    pdf.context.catalog.getDict().set('Names', PdfDict.of({ EmbeddedFiles: pdf.context.register(names) }));
    cureArchive(pdf, 'PDF/A-3b');
    const cured = pdf.context.catalog.getDict().getArray('AF')?.at(0, resolveIn(pdf)) as PdfDict;
    expect(cured.getString('UF')?.asString()).toBe('old.txt');
    expect(cured.getName('AFRelationship')?.value).toBe('Unspecified');
    expect((pdf.context.resolve(stream) as PdfStream).getName('Subtype')?.value).toBe('application/octet-stream');
  });

  it('give items of lists a body, once', async () => {
    const pdf = await reread(await draftOf());
    const elementOf = (tag: string, ...kids: PdfObject[]) =>
      pdf.context.register(PdfDict.of({ S: PdfName.of(tag), K: PdfArray.of(...kids) }));
    const text = elementOf('NonStruct');
    const more = elementOf('P');
    const label = elementOf('Lbl');
    const item = elementOf('LI', PdfNumber.of(0), label, text, more);
    const tree = pdf.context.register(PdfDict.of({ K: elementOf('Document', elementOf('L', item)) }));
    pdf.context.catalog.getDict().set('StructTreeRoot', tree);
    cureLists(pdf);
    cureLists(pdf);
    const element = (ref: PdfRef) => pdf.context.resolve(ref) as PdfDict;
    const [mcid, first, body, ...rest] = [...(element(item).getArray('K') ?? [])];
    expect([mcid, first, rest]).toEqual([PdfNumber.of(0), label, []]);
    expect(element(body as PdfRef).getName('S')?.value).toBe('LBody');
    expect([...(element(body as PdfRef).getArray('K') ?? [])]).toEqual([text, more]);
    expect([text, more].map((ref) => element(ref).getRef('P'))).toEqual([body, body]);
  });

  it.each([
    ['en-US@posix', 'en-US'],
    ['en_US.UTF-8', 'en-US'],
    [' de ', 'de'],
    ['zh-Hant-TW', 'zh-Hant-TW'],
    ['english please', undefined],
    ['', undefined],
  ])('know the language %j', (written, language) => {
    expect(languageTag(written)).toBe(language);
  });

  it('give PDF/UA what its author cannot', async () => {
    const link = PdfDict.of({ Subtype: PdfName.of('Link'), A: PdfDict.of({ S: PdfName.of('URI'), URI: PdfString.fromString('https://example.com/') }) }); // prettier-ignore
    const pdf = await reread(
      await draftOf((made) => {
        const catalog = made.context.catalog.getDict();
        catalog.set('StructTreeRoot', made.context.register(PdfDict.of({ Type: PdfName.of('StructTreeRoot') })));
        catalog.set('Lang', PdfString.fromString('en-US@posix'));
        catalog.set('MarkInfo', PdfDict.of({ Suspects: PdfBool.TRUE }));
        const page = made.getPage(0)?.dict;
        const inner = PdfDict.of({ Subtype: PdfName.of('Link'), Dest: PdfArray.of(made.context.pages.getPages()[0] as PdfRef) }); // prettier-ignore
        page?.set('Annots', PdfArray.of(made.context.register(link), made.context.register(inner)));
      }),
    );
    cureAccessible(pdf);
    const catalog = pdf.context.catalog.getDict();
    expect(catalog.getString('Lang')?.asString()).toBe('en-US');
    expect(catalog.getDict('MarkInfo')?.getBool('Marked')?.value).toBe(true);
    expect(catalog.getDict('MarkInfo')?.getBool('Suspects')?.value).toBe(false);
    expect(catalog.getDict('ViewerPreferences')?.getBool('DisplayDocTitle')?.value).toBe(true);
    const page = pdf.getPage(0)?.dict;
    const annotations = page?.getArray('Annots');
    const texts = [0, 1].map((index) => (annotations?.at(index, resolveIn(pdf)) as PdfDict | undefined)?.getString('Contents')?.asString()); // prettier-ignore
    expect(texts).toEqual(['https://example.com/', 'Page 1']);
    expect(page?.getName('Tabs')?.value).toBe('S');
  });
});
