/** @module-tag long */

import { deflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Conformance } from '../../src/domain/finishing.ts';
import type { Finisher } from '../../src/finishing/finisher.ts';
import { checkPdf } from '../../src/finishing/check/check-pdf.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import { undoLater } from '../support/clean-up.ts';
import { finished, type FinishedFile, startSteps } from '../support/finished.ts';
import { pdfInfo, picturesOfPages, qpdfProblems, runPdfTool, textOfPages } from '../support/pdf-tools.ts';
import { createRenderer } from '../support/renderer.ts';
import { testSigner } from '../support/test-signer.ts';

// Every operation alone, and every two of them together: what excludes the other is refused by name, all else is right
// for readers that are not ours.

/** A grey picture of noise, which is large unless it is made smaller. */
function noise(side: number): string {
  const rows = Buffer.alloc(side * (side + 1));
  let state = 1;
  for (let at = 0; at < rows.length; at++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    rows[at] = at % (side + 1) === 0 ? 0 : state % 256;
  }
  const chunk = (type: string, data: Buffer) => {
    const head = Buffer.from(type, 'latin1');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc(Buffer.concat([head, data])));
    return Buffer.concat([length, head, data, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...parts]).toString('base64');
}

function crc(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

const section = (number: number) =>
  `<h1 id="s${number}">PAGE-${number}</h1><p>Text of section ${number}, <a href="#s3">to the third</a>.</p>`;
const DOCUMENT = `<!doctype html><html lang="en"><head><title>The report</title>
  <style>h1 + p { break-after: page } h1:last-of-type + p { break-after: auto } img { width: 5cm; display: block }</style></head>
  <body>${section(1)}${section(2)}${section(3)}${section(4)}
  <img alt="Noise" src="data:image/png;base64,${noise(400)}"></body></html>`;
const SECOND = `<!doctype html><html lang="en"><head><title>The second</title></head><body><h1>EXTRA</h1></body></html>`;

const INVOICE = `<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
  xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
  xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
    <ram:ID>urn:factur-x.eu:1p0:minimum</ram:ID>
  </ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
  <rsm:ExchangedDocument><ram:ID>R-1</ram:ID><ram:TypeCode>380</ram:TypeCode>
    <ram:IssueDateTime><udt:DateTimeString format="102">20260101</udt:DateTimeString></ram:IssueDateTime>
  </rsm:ExchangedDocument>
</rsm:CrossIndustryInvoice>`;

const LETTERHEAD_SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><rect width="100" height="100" fill="#f00"/></svg>`;

interface Made {
  files: FinishedFile[];
  names: ReadonlySet<string>;
  /** options for poppler's programs */
  open: string[];
}

interface Operation {
  body: Record<string, unknown>;
  files?: Record<string, string>;
  /** of each PDF that comes out */
  holds: (pdf: Uint8Array, made: Made, pages: string[]) => void | Promise<void>;
}

const TITLE = 'Zürich & Söhne';
const PASSWORD = 'open, please';

const conforms =
  (claim: Conformance) =>
  async (pdf: Uint8Array, { names }: Made) => {
    // A signature is added after the check; a password hides everything.
    if (names.has('sign') || names.has('encrypt')) return;
    expect(await checkPdf(pdf, [claim])).toEqual([]);
  };

const OPERATIONS: Record<string, Operation> = {
  parts: {
    body: { parts: [{ html: DOCUMENT }, { html: SECOND }] },
    holds: () => undefined, // the pages say it
  },
  pages: {
    body: { finishing: { pages: '3,1' } },
    holds: () => undefined, // the pages say it
  },
  rotate: {
    body: { finishing: { rotate: 90 } },
    holds: (pdf, { open }) => expect(pdfInfo(pdf, ...open)['Page rot']).toBe('90'),
  },
  'text over': {
    body: { finishing: { overlay: [{ text: 'OVERLAY', color: '#0000ff', opacity: 0.5, fontSize: 40 }] } },
    holds: (pdf, { open }, pages) => {
      const texts = textOfPages(pdf, ...open);
      for (const index of pages.keys()) expect(texts[index]?.replaceAll(/\s/g, '')).toContain('OVERLAY');
    },
  },
  'numbers under': {
    body: {
      finishing: {
        underlay: [{ html: '<p>NUMBER-<b class="pageNumber"></b>-OF-<b class="totalPages"></b></p>', pages: '1' }],
      },
    },
    holds: (pdf, { open, files, names }) => {
      if (names.has('split') && files.at(0)?.bytes !== pdf) return;
      expect(textOfPages(pdf, ...open)[0]?.replaceAll(/\s/g, '')).toMatch(/NUMBER-1-OF-[245]/);
    },
  },
  'picture over': {
    body: { finishing: { overlay: [{ image: 'red.svg', width: '10cm' }] } },
    files: { 'red.svg': LETTERHEAD_SVG },
    holds: (pdf, { open }) => {
      for (const picture of picturesOfPages(pdf, { dpi: 9, options: open })) expect(picture.length).toBeGreaterThan(0);
    },
  },
  flatten: {
    body: { finishing: { flatten: true } },
    holds: (pdf, { open, names }) => {
      if (!names.has('sign')) expect(pdfInfo(pdf, ...open)['Form'] ?? 'none').toBe('none'); // a signature is a field
    },
  },
  images: {
    body: { finishing: { images: { maxDpi: 72, quality: 50 } } },
    holds: (pdf, { open }) => {
      const { output } = runPdfTool('pdfimages', ['-list', ...open, '{}'], pdf);
      const large = output.split('\n').filter((line) => Number(line.trim().split(/\s+/)[3]) >= 400);
      expect(large).toEqual([]);
    },
  },
  properties: {
    body: { finishing: { properties: { title: TITLE, author: 'Ann', keywords: ['one', 'two'] } } },
    holds: (pdf, { open }) => {
      expect(pdfInfo(pdf, ...open)).toMatchObject({ Title: TITLE, Author: 'Ann' });
    },
  },
  bookmarks: {
    body: { finishing: { bookmarks: [{ title: 'First', page: 1, children: [{ title: 'Within', page: 2 }] }] } },
    holds: async (pdf, { names, open, files }) => {
      if (names.has('encrypt')) return; // its reader below has no password
      const json = Buffer.from(await qpdf(pdf, ['/in.pdf', '--json', '--json-key=outlines', '/out.json'], { output: '/out.json' })); // prettier-ignore
      const titles = [...json.toString().matchAll(/"title": "([^"]*)"/g)]
        .map(([, title = '']) => title)
        .toSorted((a, b) => a.localeCompare(b));
      const wanted = names.has('split') && files.at(0)?.bytes !== pdf ? [] : ['First', 'Within'];
      expect([titles, open]).toEqual([wanted, open]);
    },
  },
  attachments: {
    body: { finishing: { attachments: [{ file: 'data.csv', mediaType: 'text/csv', relationship: 'Data' }] } },
    files: { 'data.csv': 'a,b\n1,2\n' },
    holds: (pdf, { open }) => {
      expect(runPdfTool('pdfdetach', ['-list', ...open, '{}'], pdf).output).toContain('data.csv');
    },
  },
  facturx: {
    body: { finishing: { facturx: { xml: INVOICE, level: 'MINIMUM' } } },
    holds: async (pdf, made) => {
      expect(runPdfTool('pdfdetach', ['-list', '{}'], pdf).output).toContain('factur-x.xml');
      await conforms('PDF/A-3b')(pdf, made);
    },
  },
  'PDF/A-1b': { body: { finishing: { conformance: ['PDF/A-1b'] } }, holds: conforms('PDF/A-1b') },
  'PDF/A-2b': { body: { finishing: { conformance: ['PDF/A-2b'] } }, holds: conforms('PDF/A-2b') },
  'PDF/A-3b': { body: { finishing: { conformance: ['PDF/A-3b'] } }, holds: conforms('PDF/A-3b') },
  'PDF/UA-1': {
    // Parts with several titles have none together.
    body: { finishing: { conformance: ['PDF/UA-1'], properties: { title: TITLE } } },
    holds: conforms('PDF/UA-1'),
  },
  plain: {
    body: { finishing: { objectStreams: false } },
    holds: (pdf) => expect(Buffer.from(pdf).includes('/ObjStm')).toBe(false),
  },
  linearize: {
    body: { finishing: { linearize: true } },
    holds: (pdf, { open, names }) => {
      expect(pdfInfo(pdf, ...open)['Optimized']).toBe('yes');
      expect(qpdfProblems(pdf, '--check-linearization', ...(names.has('encrypt') ? [`--password=${PASSWORD}`] : []))).toBe(''); // prettier-ignore
    },
  },
  encrypt: {
    body: { finishing: { encrypt: { userPassword: PASSWORD, permissions: { print: false } } } },
    holds: (pdf, { open }) => {
      expect(pdfInfo(pdf, ...open)['Encrypted']).toMatch(/^yes \(print:no copy:yes change:yes addNotes:yes algorithm:AES-256\)/); // prettier-ignore
      expect(runPdfTool('pdfinfo', ['{}'], pdf).output).toContain('Incorrect password');
    },
  },
  sign: {
    body: { finishing: { sign: { reason: 'because' } } },
    holds: (pdf, { open }) => {
      expect(runPdfTool('pdfsig', [...open, '{}'], pdf).output).toContain('Signature is Valid.');
    },
  },
  split: { body: { split: { every: 2 } }, holds: () => undefined }, // the pages say it
  png: {
    body: { output: { type: 'png', pages: 'first,last', dpi: 36 } },
    holds: () => undefined, // there is no PDF
  },
};

const ofPdf = ['images', 'properties', 'bookmarks', 'attachments', 'facturx', 'PDF/A-1b', 'PDF/A-2b', 'PDF/A-3b', 'PDF/UA-1', 'linearize', 'encrypt', 'sign']; // prettier-ignore
/** What excludes each other, and the field that says so. */
const EXCLUDED: [string, string, string][] = [
  ['PDF/A-1b', 'encrypt', 'finishing.encrypt'],
  ['PDF/A-1b', 'PDF/A-2b', 'finishing.conformance'],
  ['PDF/A-1b', 'PDF/A-3b', 'finishing.conformance'],
  ['facturx', 'PDF/A-1b', 'finishing.facturx'],
  ['attachments', 'PDF/A-1b', 'finishing.attachments'],
  ['PDF/A-2b', 'encrypt', 'finishing.encrypt'],
  ['PDF/A-3b', 'encrypt', 'finishing.encrypt'],
  ['facturx', 'encrypt', 'finishing.encrypt'],
  ['PDF/A-2b', 'PDF/A-3b', 'finishing.conformance'],
  ['facturx', 'PDF/A-2b', 'finishing.facturx'],
  ['attachments', 'PDF/A-2b', 'finishing.attachments'],
  ['facturx', 'split', 'split'],
  ['linearize', 'sign', 'finishing.linearize'],
  ['split', 'png', 'split'],
  ...ofPdf.map((name): [string, string, string] => [name, 'png', `finishing.${fieldOf(name)}`]),
];

function fieldOf(name: string): string {
  return name.startsWith('PDF/') ? 'conformance' : name;
}

/** The fields of both. */
function together(...bodies: Record<string, unknown>[]): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const body of bodies)
    for (const [name, value] of Object.entries(body)) {
      const before = all[name];
      if (Array.isArray(before) && Array.isArray(value))
        all[name] = [...(before as unknown[]), ...(value as unknown[])];
      else if (typeof before === 'object' && before !== null)
        all[name] = together(before as Record<string, unknown>, value as Record<string, unknown>);
      else all[name] = value;
    }
  return all;
}

/** The marks of the pages of each file. */
function pagesOf(names: ReadonlySet<string>): string[][] {
  let pages = ['PAGE-1', 'PAGE-2', 'PAGE-3', 'PAGE-4', ...(names.has('parts') ? ['EXTRA'] : [])];
  if (names.has('pages')) pages = ['PAGE-3', 'PAGE-1'];
  if (!names.has('split')) return [pages];
  return Array.from({ length: Math.ceil(pages.length / 2) }, (_, index) => pages.slice(2 * index, 2 * index + 2));
}

const NAMES = Object.keys(OPERATIONS);
const PAIRS = NAMES.flatMap((first, index) => NAMES.slice(index).map((second) => [first, second] as const));

describe('finishing', () => {
  let renderer: Renderer;
  let finisher: Finisher;

  beforeAll(async () => {
    ({ renderer } = await createRenderer());
    await renderer.start();
    undoLater(() => renderer.stop());
    finisher = await startSteps({ readSigner: testSigner });
  });

  it.each(PAIRS)('%s with %s', async (first, second) => {
    const names = new Set([first, second]);
    const chosen = [...names].map((name) => OPERATIONS[name] as Operation);
    const source = names.has('parts') ? {} : { html: DOCUMENT };
    const body = {
      ...source,
      options: { tagged: true, outline: true },
      ...together(...chosen.map((each) => each.body)),
    };
    const files = Object.fromEntries(chosen.flatMap((each) => Object.entries(each.files ?? {})).map(([name, text]) => [name, Buffer.from(text)])); // prettier-ignore
    const result = await finished({ renderer, finisher }, body, files);

    const excluded = EXCLUDED.filter(([a, b]) => a !== b && names.has(a) && names.has(b));
    if (excluded.length > 0) {
      expect(result).toEqual({ refused: expect.any(Array) });
      const { refused } = result as { refused: string[] };
      for (const [, , field] of excluded)
        expect(refused).toContainEqual(expect.stringMatching(new RegExp(`^${field.replaceAll('.', '\\.')}\\b`)));
      return;
    }
    // The text is transparent.
    if (names.has('PDF/A-1b') && names.has('text over')) {
      expect(result).toMatchObject({ code: 'not_conformant', message: expect.stringContaining('19005-1:2005 6.4-6') as string }); // prettier-ignore
      return;
    }
    if (!Array.isArray(result)) throw new Error(JSON.stringify(result));
    if (names.has('png')) {
      expect(result.map(({ type, pages }) => [type, pages])).toEqual([['image/png', 1], ['image/png', 1]]); // prettier-ignore
      for (const { bytes } of result) expect(bytes.subarray(1, 4).toString()).toBe('PNG');
      return;
    }
    const open = names.has('encrypt') ? ['-upw', PASSWORD] : [];
    const made = { files: result, names, open };
    const wanted = pagesOf(names);
    expect(result.map(({ pages }) => pages)).toEqual(wanted.map((pages) => pages.length));
    for (const [index, { bytes }] of result.entries()) {
      expect(qpdfProblems(bytes, ...(open.length > 0 ? [`--password=${PASSWORD}`] : []))).toBe('');
      const texts = textOfPages(bytes, ...open);
      expect(texts.map((text) => /PAGE-\d|EXTRA/.exec(text)?.[0])).toEqual(wanted[index]);
      for (const each of chosen) await each.holds(bytes, made, wanted[index] ?? []);
    }
  });
});
