import { srgbProfile } from '../../src/finishing/archive/srgb-profile.ts';
import { tinyFont } from './tiny-font.ts';

export const ADVANCE = 600;
const LETTERS = 'z'.charCodeAt(0) - 'A'.charCodeAt(0) + 1;

const XMP = `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"
 xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" xmlns:pdfaType="http://www.aiim.org/pdfa/ns/type#"
 xmlns:pdfaField="http://www.aiim.org/pdfa/ns/field#">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Title</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>2026-01-01T00:00:00Z</xmp:CreateDate>
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance><pdfuaid:part>1</pdfuaid:part>
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA</pdfaSchema:schema><pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Part</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property>
<pdfaSchema:valueType><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaType:type>Pair</pdfaType:type><pdfaType:namespaceURI>urn:pair</pdfaType:namespaceURI><pdfaType:prefix>pair</pdfaType:prefix><pdfaType:description>Two</pdfaType:description>
<pdfaType:field><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaField:name>one</pdfaField:name><pdfaField:valueType>Text</pdfaField:valueType><pdfaField:description>One</pdfaField:description></rdf:li></rdf:Seq></pdfaType:field></rdf:li></rdf:Seq></pdfaSchema:valueType>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>`;

const CONTENT = `/H1 << /MCID 0 >> BDC BT /F1 20 Tf 20 250 Td (Title) Tj ET EMC
/P << /MCID 1 >> BDC BT /F1 12 Tf 20 200 Td (Text) Tj ET EMC
/Link << /MCID 2 >> BDC BT /F1 12 Tf 20 150 Td (Link) Tj ET EMC
`;

interface RawObject {
  /** entries of its dictionary, without the length of its stream */
  entries: string;
  stream?: string | Uint8Array;
}

/** The objects that it is made of, numbered from 1 in this order. */
const OBJECTS = {
  catalog: { entries: '/Type /Catalog /Pages 2 0 R /Lang (en) /Metadata 8 0 R /OutputIntents [9 0 R] /StructTreeRoot 11 0 R /MarkInfo << /Marked true >> /ViewerPreferences << /DisplayDocTitle true >> /AF [16 0 R] /Names << /EmbeddedFiles << /Names [(a.txt) 16 0 R] >> >>' },
  pages: { entries: '/Type /Pages /Kids [3 0 R] /Count 1' },
  page: { entries: '/Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Resources 18 0 R /Contents 4 0 R /StructParents 0 /Tabs /S /Annots [15 0 R]' },
  content: { entries: '', stream: CONTENT },
  font: { entries: `/Type /Font /Subtype /TrueType /BaseFont /AAAAAA+Tiny /FirstChar 65 /LastChar 122 /Widths [${Array(LETTERS).fill(ADVANCE).join(' ')}] /Encoding /WinAnsiEncoding /FontDescriptor 6 0 R` },
  descriptor: { entries: '/Type /FontDescriptor /FontName /AAAAAA+Tiny /Flags 32 /FontBBox [50 0 550 700] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 /FontFile2 7 0 R' },
  program: { entries: '', stream: tinyFont('Tiny', ADVANCE) },
  xmp: { entries: '/Type /Metadata /Subtype /XML', stream: XMP },
  intent: { entries: '/Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /DestOutputProfile 10 0 R' },
  profile: { entries: '/N 3', stream: srgbProfile() },
  structure: { entries: '/Type /StructTreeRoot /K 19 0 R /ParentTree << /Nums [0 [12 0 R 13 0 R 14 0 R] 1 14 0 R] >>' },
  heading: { entries: '/Type /StructElem /S /H1 /P 19 0 R /Pg 3 0 R /K 0' },
  paragraph: { entries: '/Type /StructElem /S /P /P 19 0 R /Pg 3 0 R /K 1' },
  link: { entries: '/Type /StructElem /S /Link /P 19 0 R /Pg 3 0 R /K [2 << /Type /OBJR /Obj 15 0 R >>]' },
  annotation: { entries: '/Type /Annot /Subtype /Link /Rect [20 150 60 162] /F 4 /Contents (A link) /StructParent 1 /A << /S /URI /URI (https://example.com) >>' },
  file: { entries: '/Type /Filespec /F (a.txt) /UF (a.txt) /AFRelationship /Data /EF << /F 17 0 R >>' },
  fileContent: { entries: '/Type /EmbeddedFile /Subtype /text#2Fplain', stream: 'text' },
  resources: { entries: '/Font << /F1 5 0 R >>' },
  document: { entries: '/Type /StructElem /S /Document /P 11 0 R /K [12 0 R 13 0 R 14 0 R]' },
} satisfies Record<string, RawObject>; // prettier-ignore

export type ObjectName = keyof typeof OBJECTS;

/** A PDF of one page that conforms to PDF/A-3b and PDF/UA-1, until something in it is changed. */
export class ConformingPdf {
  readonly #objects = new Map<ObjectName, RawObject>(
    Object.entries(OBJECTS).map(([name, object]) => [name as ObjectName, { ...object }]),
  );
  readonly #more: RawObject[] = [];
  #trailer = '/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]';

  #edit = (file: string) => file;
  readonly #group: string | undefined;

  /** @param group a tag around each that is added */
  constructor({ group }: { group?: string } = {}) {
    this.#group = group;
  }

  #object(name: ObjectName): RawObject {
    return this.#objects.get(name) as RawObject;
  }

  /** Adds entries to the dictionary of an object. */
  put(name: ObjectName, entries: string): this {
    this.#object(name).entries += ` ${entries}`;
    return this;
  }

  /** @throws Error if the object has not the text that is to be replaced */
  swap(name: ObjectName, text: string, by: string): this {
    const object = this.#object(name);
    const inStream = typeof object.stream === 'string' && object.stream.includes(text);
    if (inStream) object.stream = String(object.stream).replace(text, () => by);
    else if (object.entries.includes(text)) object.entries = object.entries.replace(text, () => by);
    else throw new Error(`${name} has no ${text}`);
    return this;
  }

  /** Replaces the bytes of a stream. */
  fill(name: ObjectName, stream: string | Uint8Array): this {
    this.#object(name).stream = stream;
    return this;
  }

  /** Another object. @returns what refers to it */
  add(entries: string, stream?: string | Uint8Array): string {
    this.#more.push(stream === undefined ? { entries } : { entries, stream });
    return `${this.#objects.size + this.#more.length} 0 R`;
  }

  /** Shows something on the page, as an artifact. */
  draw(operators: string): this {
    return this.show(`/Artifact BMC ${operators} EMC`);
  }

  /** Adds to the content of the page. */
  show(operators: string): this {
    this.#object('content').stream = `${String(this.#object('content').stream)}${operators}\n`;
    return this;
  }

  /** Adds an element to the end of the document: its tag, with those in it. */
  tag(tag: string, entries = '', kids: readonly string[] = []): string {
    const element = this.element(tag, entries, kids);
    this.swap('document', '14 0 R', `14 0 R ${element}`);
    return element;
  }

  /** An element that is not yet in the document. */
  element(tag: string, entries = '', kids: readonly string[] = []): string {
    const add = (own: string, held: readonly string[]) =>
      this.add(`/Type /StructElem /S /${own} /P 19 0 R /Pg 3 0 R /K [${held.join(' ')}]`);
    const element = add(`${tag} ${entries}`, kids);
    return this.#group === undefined ? element : add(this.#group, [element]);
  }

  trailer(entries: string): this {
    this.#trailer = entries;
    return this;
  }

  /** Changes the file as it is written, each byte a character. */
  edit(change: (file: string) => string): this {
    this.#edit = change;
    return this;
  }

  bytes(): Uint8Array {
    const parts: Buffer[] = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
    const offsets: number[] = [];
    let at = parts[0]?.length ?? 0;
    for (const { entries, stream } of [...this.#objects.values(), ...this.#more]) {
      const data = stream === undefined ? undefined : Buffer.from(stream);
      const head = `${offsets.length + 1} 0 obj\n<< ${entries}${data ? ` /Length ${data.length}` : ''} >>\n`;
      const object = Buffer.concat([
        Buffer.from(head),
        ...(data ? [Buffer.from('stream\n'), data, Buffer.from('\nendstream\n')] : []),
        Buffer.from('endobj\n'),
      ]);
      offsets.push(at);
      parts.push(object);
      at += object.length;
    }
    const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
    const size = offsets.length + 1;
    const end = `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${size} /Root 1 0 R ${this.#trailer} >>\nstartxref\n${at}\n%%EOF\n`;
    const file = Buffer.concat([...parts, Buffer.from(end)]);
    return Buffer.from(this.#edit(file.toString('latin1')), 'latin1');
  }
}
