import { isDone, runQpdf } from '../qpdf.ts';
import { PdfiumFailed, savedCopy } from '../pdfium.ts';
import { cutLoops } from './cut-loops.ts';
import { checkStreams } from './check-streams.ts';
import { LIMITS } from './limits.ts';
import { flattenPageTree } from './page-tree.ts';
import { PdfObjects } from './pdf-objects.ts';
import { Refusal } from './refusal.ts';
import { stripActive } from './strip-active.ts';

export interface UploadInput {
  /** where it is in the request, such as `parts[1].pdf`: for messages */
  field: string;
  /** opens it, if it is encrypted so that it needs one; the request has it at `field.password` */
  password?: string | undefined;
  /** whether the request may have a password there; default true */
  takesPassword?: boolean;
}

/** An upload that can be worked on. */
export interface RewrittenUpload {
  bytes: Uint8Array;
  pages: number;
  /** what was left out, in words */
  dropped: string[];
}

/** Nothing is packed or unpacked, so that no stream is larger than the file. */
const PLAIN = ['--decrypt', '--stream-data=preserve', '--object-streams=disable', '--newline-before-endstream'];
const UNREADABLE = 'it is no PDF that can be read, not even in part';

/**
 * Writes a PDF that anyone may have made anew: complete, decrypted, its pages one list, within limits, and without
 * anything that runs, plays or connects. Nothing else reads uploads as they came.
 * @throws CodedError `pdf_refused` with the field and what is allowed
 */
export async function rewriteUpload(bytes: Uint8Array, { field, ...opens }: UploadInput): Promise<RewrittenUpload> {
  try {
    if (bytes.length > LIMITS.bytes) throw new Refusal(`it has ${bytes.length} bytes; allowed: ${LIMITS.bytes}`);
    return await cleaned(await readable(bytes, opens));
  } catch (error) {
    throw error instanceof Refusal ? error.of(field) : error;
  }
}

type Opens = Omit<UploadInput, 'field'>;

/** As qpdf writes it; repaired by PDFium if qpdf cannot read it. */
async function readable(bytes: Uint8Array, opens: Opens): Promise<PdfObjects> {
  const written =
    (await rewritten(bytes, opens.password)) ?? (await rewritten(await repaired(bytes, opens), undefined));
  const objects = written && (await PdfObjects.of(written));
  if (!objects) throw new Refusal(UNREADABLE);
  const count = objects.references.length;
  if (count > LIMITS.objects) throw new Refusal(`it has ${count} objects; allowed: ${LIMITS.objects}`);
  return objects;
}

/** @returns undefined if qpdf does not open it */
async function rewritten(bytes: Uint8Array, password: string | undefined): Promise<Uint8Array | undefined> {
  const given = password === undefined ? [] : [`--password=${password}`];
  const run = await runQpdf(bytes, ['/in.pdf', ...given, ...PLAIN, '/out.pdf']);
  if (isDone(run)) return run.read('/out.pdf');
  // A password that is not needed does no harm.
  return password === undefined ? undefined : rewritten(bytes, undefined);
}

async function repaired(bytes: Uint8Array, { password, takesPassword = true }: Opens): Promise<Uint8Array> {
  try {
    return await savedCopy(bytes, { password: password ?? '' });
  } catch (cause) {
    if (!(cause instanceof PdfiumFailed && cause.reason === 'password')) throw new Refusal(UNREADABLE, { cause });
    if (!takesPassword) throw new Refusal('it is encrypted; allowed: a PDF that opens without a password', { cause });
    const message = password === undefined ? 'required: the PDF is encrypted' : 'it does not open the PDF';
    throw new Refusal(message, { below: 'password', cause });
  }
}

async function cleaned(objects: PdfObjects): Promise<RewrittenUpload> {
  const dropped = stripActive(objects);
  const pages = flattenPageTree(objects);
  if (cutLoops(objects)) dropped.push('loops in a tree');
  await checkStreams(objects);
  return { bytes: await objects.written(PLAIN), pages, dropped };
}
