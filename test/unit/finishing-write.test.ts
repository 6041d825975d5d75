import { createHash, verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Draft } from '../../src/finishing/draft.ts';
import { PDF, PdfDict, PdfName, type PdfRef, PdfStream } from '../../src/finishing/libpdf.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import { readSigner } from '../../src/finishing/write/read-signer.ts';
import { type WriteSettings, writeFiles } from '../../src/finishing/write/write-files.ts';
import { createCertificate } from '../support/certificate.ts';
import { richPdf, seeded } from '../support/rich-pdf.ts';
import { testSigner } from '../support/test-signer.ts';

const permissions = { print: false, copy: true, modify: false, annotate: true, fillForms: false, assemble: true };
const LONGEST = 'x'.repeat(127);
const ENCRYPTIONS: WriteSettings['encrypt'][] = [
  undefined,
  { userPassword: 'Zürich 東京', permissions },
  { userPassword: LONGEST, ownerPassword: 'owner', permissions },
  { ownerPassword: 'owner', permissions },
];
const PLAIN: WriteSettings = { objectStreams: true, linearize: false, encrypt: undefined };

async function write(bytes: Uint8Array, settings: Partial<WriteSettings> = {}): Promise<Uint8Array> {
  const [written] = await writeFiles([new Draft({ bytes, pages: 1 })], { ...PLAIN, ...settings });
  return (await written?.bytes()) ?? new Uint8Array();
}

interface Found {
  pages: unknown[];
  encrypt: { encrypted: boolean; parameters: { bits: number; method: string }; capabilities: Record<string, boolean> };
}

/** As qpdf reads it, which fails on whatever is wrong with it. */
async function read(bytes: Uint8Array, password = ''): Promise<Found> {
  const args = ['/in.pdf', `--password=${password}`, '--json=2', '--json-key=pages', '--json-key=encrypt', '/out.json'];
  const json = await qpdf(bytes, args, { output: '/out.json' });
  return JSON.parse(Buffer.from(json).toString()) as Found;
}

describe('The last pass', () => {
  for (const objectStreams of [true, false])
    for (const linearize of [true, false])
      for (const [at, encrypt] of ENCRYPTIONS.entries())
        it(`object streams ${objectStreams}, linearized ${linearize}, encryption ${at}`, async () => {
          const { bytes, model } = await richPdf(seeded(at));
          const written = await write(bytes, { objectStreams, linearize, encrypt });
          const { pages, encrypt: found } = await read(written, encrypt?.userPassword);
          expect(pages).toHaveLength(model.pages);
          const text = Buffer.from(written).toString('latin1');
          expect(text.includes('/Linearized')).toBe(linearize);
          expect(text.includes('/ObjStm')).toBe(objectStreams);
          expect(text).not.toMatch(/[^\n]endstream/);
          expect(found.encrypted).toBe(encrypt !== undefined);
          if (!encrypt) return;
          expect(found.parameters.bits).toBe(256);
          expect(found.parameters.method).toBe('AESv3');
          expect(found.capabilities).toMatchObject({
            printhigh: false,
            extract: true,
            modifyother: false,
            modifyannotations: true,
            modifyforms: false,
            modifyassembly: true,
          });
          if (encrypt.userPassword) await expect(read(written, 'wrong')).rejects.toThrow('qpdf failed: 2');
        });

  it('drops what was replaced or is not reached, and keeps the identity and plain metadata', async () => {
    const document = PDF.create();
    document.addPage();
    const xmp = PdfStream.fromDict({ Type: PdfName.of('Metadata') }, Buffer.from(`<x>${'y'.repeat(300)}</x>`));
    document.getCatalog().set('Metadata', document.context.register(xmp));
    document.context.register(PdfStream.fromDict({}, Buffer.from('nothing leads to it')));
    document.setTitle('The first title');
    const first = await write(await document.save());
    const draft = new Draft({ bytes: first, pages: 1 });
    (await draft.document()).setTitle('The second title');
    const second = await write(await draft.bytes(), { objectStreams: false });
    const text = Buffer.from(second).toString('latin1');
    expect(text).toContain('The second title');
    expect(text).not.toContain('The first title');
    expect(text).not.toContain('nothing leads to it');
    expect(text).toContain(`<x>${'y'.repeat(300)}</x>`);
    const ids = [first, second].map((each) => /\/ID \[\s*<([0-9A-F]{32})>/i.exec(Buffer.from(each).toString('latin1')));
    expect(ids[0]?.[1]).toBe(ids[1]?.[1]);
    expect(ids[0]?.[1]).toBeDefined();
  });

  it('writes tens of thousands of objects', async () => {
    const document = PDF.create();
    document.addPage();
    let last: PdfRef | undefined;
    for (let count = 0; count < 30_000; count++)
      last = document.context.register(PdfDict.of({ Type: PdfName.of('Link'), ...(last && { Next: last }) }));
    if (last) document.getCatalog().set('Chain', last);
    const saved = await document.save();
    const written = await write(saved);
    expect(written.length).toBeLessThan(saved.length / 4);
    const { context } = await PDF.load(written);
    let length = 0;
    for (let ref = last; ref; length++) ref = (context.registry.resolve(ref) as PdfDict).getRef('Next');
    expect(length).toBe(30_000);
    await read(written);
  });
});

describe("The operator's certificate", () => {
  // A set of contentType (data) and messageDigest (32 bytes).
  const CONTENT = Buffer.from('301806092a864886f70d010903310b06092a864886f70d010701302f06092a864886f70d01090431220420', 'hex'); // prettier-ignore
  const ATTRIBUTES = Buffer.concat([Buffer.from([0x31, CONTENT.length + 32]), CONTENT, Buffer.alloc(32)]);

  it.for(['rsa', 'ec'] as const)('signs with %s what a signature is made of, and nothing else', async (kind) => {
    const { both, certificate } = createCertificate({ kind, passphrase: 'open' });
    const signer = await readSigner({ content: Buffer.from(both), password: 'open' });
    const signature = await signer.answer('signature', ATTRIBUTES);
    expect(verify('sha256', ATTRIBUTES, new X509Certificate(certificate).publicKey, signature)).toBe(true);
    const digest = createHash('sha256').update('x').digest();
    for (const data of [
      Buffer.from('text'),
      Buffer.alloc(0),
      Buffer.alloc(5_000, 0x31),
      Buffer.concat([Buffer.from([0x31, 30]), Buffer.alloc(30)]),
      ATTRIBUTES.subarray(0, -1),
      Buffer.concat([ATTRIBUTES, Buffer.of(0)]),
    ])
      await expect(signer.answer('signature', data)).rejects.toThrow(/no signature is made of/);
    await expect(signer.answer('timestamp', digest)).rejects.toThrow(/no signature is made of/);
  });

  it('is not read with a wrong password, or without its key, and neither is quoted', async () => {
    const { both, certificate } = createCertificate({ passphrase: 'open' });
    const other = createCertificate().key;
    const bad: [string, RegExp][] = [
      [both, /no private key that SIGN_PASSWORD opens/],
      [certificate, /no private key/],
      [certificate + other, /no certificate of its private key/],
      ['what is this', /neither PEM nor a PKCS #12/],
    ];
    for (const [content, message] of bad) {
      const error = await readSigner({ content: Buffer.from(content), password: 'guess' }).catch(
        (each: unknown) => each,
      );
      expect(String(error)).toMatch(message);
      expect(String(error)).not.toContain('guess');
    }
    expect((await testSigner()).subject).toBe('CN=Tess Tester');
  });
});
