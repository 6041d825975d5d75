import type { Draft } from '../draft.ts';
import { PDF, PdfDict, type PdfObject, PdfString } from '../libpdf.ts';
import type { StepContext } from '../step.ts';
import type { PublicSigner } from './signer.ts';

export interface SignSettings {
  signer: PublicSigner;
  /** opens the files, if they are encrypted */
  password?: string | undefined;
  /** what the signature says */
  texts: { Reason?: string | undefined; Location?: string | undefined; ContactInfo?: string | undefined };
}

/** Bytes that are kept free for the signature and its certificates. */
const ROOM = 12_288;
const ROOM_WITH_TIMESTAMP = 24_576;

/**
 * Appends an invisible signature (PAdES B-B, or B-T with a time stamp) to each file. The key stays in the worker, which
 * signs a few hundred bytes when it is asked: a process that reads PDFs never has it.
 */
export async function signFiles(drafts: Draft[], settings: SignSettings, { ask }: StepContext): Promise<Draft[]> {
  const signed: Draft[] = [];
  for (const draft of drafts) signed.push(draft.with(await sign(await draft.bytes(), settings, ask)));
  return signed;
}

async function sign(
  pdf: Uint8Array,
  { signer, password, texts }: SignSettings,
  ask: StepContext['ask'],
): Promise<Uint8Array> {
  const document = await PDF.load(pdf, password === undefined ? {} : { credentials: password });
  writeTexts(document, texts);
  keepSigned(document);
  const { bytes } = await document.sign({
    signer: {
      certificate: Buffer.from(signer.certificate, 'base64'),
      certificateChain: signer.chain.map((each) => Buffer.from(each, 'base64')),
      keyType: signer.keyType,
      signatureAlgorithm: signer.signatureAlgorithm,
      sign: (data) => ask('signature', data),
    },
    digestAlgorithm: 'SHA-256',
    level: signer.hasTimestamps ? 'B-T' : 'B-B',
    ...(signer.hasTimestamps && { timestampAuthority: { timestamp: (digest) => ask('timestamp', digest) } }),
    estimatedSize: (signer.hasTimestamps ? ROOM_WITH_TIMESTAMP : ROOM) + signer.certificate.length + signer.chain.join('').length, // prettier-ignore
  });
  return bytes;
}

/**
 * When a file is signed, the library loads it anew, which fails if it needs a password, and saves it once more, which
 * appends something to an encrypted one that is not signed.
 */
function keepSigned(document: PDF): void {
  document.reload = async (signed) => {
    document.save = async () => signed;
  };
}

/** The library would escape them twice: `(` would be read as `\(`. */
function writeTexts({ context: { registry } }: PDF, texts: SignSettings['texts']): void {
  const register = registry.register.bind(registry);
  registry.register = (object: PdfObject) => {
    if (object instanceof PdfDict && object.getName('Type')?.value === 'Sig')
      for (const [key, text] of Object.entries(texts))
        if (text !== undefined) object.set(key, PdfString.fromString(text));
    return register(object);
  };
}
