import { randomBytes } from 'node:crypto';
import type { Finishing } from '../../domain/finishing.ts';
import type { Draft } from '../draft.ts';
import { isArchive1 } from '../archive/claims-in.ts';
import { qpdf, QpdfFailed } from '../qpdf.ts';
import { writeObjects } from './write-objects.ts';

export type WriteSettings = Pick<Finishing, 'objectStreams' | 'linearize' | 'encrypt'>;

/**
 * The last pass over each file, but for a signature. Our own writer makes files as small as qpdf does, in a tenth of the
 * time for small ones; qpdf linearizes and encrypts.
 */
export async function writeFiles(drafts: Draft[], settings: WriteSettings): Promise<Draft[]> {
  const written: Draft[] = [];
  for (const draft of drafts) {
    const document = await draft.document();
    const isOld = isArchive1(document);
    const objectStreams = settings.objectStreams && !isOld;
    const bytes = await writeObjects(document, { objectStreams, isOld });
    const needsQpdf = settings.linearize || settings.encrypt !== undefined;
    written.push(draft.with(needsQpdf ? await withQpdf(bytes, { ...settings, objectStreams }) : bytes));
  }
  return written;
}

async function withQpdf(bytes: Uint8Array, { objectStreams, linearize, encrypt }: WriteSettings): Promise<Uint8Array> {
  const args = [
    '/in.pdf',
    '/out.pdf',
    `--object-streams=${objectStreams ? 'generate' : 'disable'}`,
    '--newline-before-endstream', // PDF/A wants it
    ...(linearize ? ['--linearize'] : []),
    ...(encrypt ? encryption(encrypt) : ['--deterministic-id']),
  ];
  try {
    return await qpdf(bytes, args);
  } catch (error) {
    // What it says may quote its arguments, and among them are the passwords.
    if (encrypt && error instanceof QpdfFailed) throw new Error(`qpdf could not encrypt the file: ${error.status}`); // oxlint-disable-line preserve-caught-error
    throw error;
  }
}

function encryption({ userPassword = '', ownerPassword, permissions }: NonNullable<Finishing['encrypt']>): string[] {
  const allow = (option: string, isAllowed: boolean) => `--${option}=${isAllowed ? 'y' : 'n'}`;
  return [
    '--encrypt',
    `--user-password=${normalized(userPassword)}`,
    // Without one, everyone who can open the file could change what it permits.
    `--owner-password=${ownerPassword === undefined ? randomBytes(32).toString('base64') : normalized(ownerPassword)}`,
    '--bits=256',
    `--print=${permissions.print ? 'full' : 'none'}`,
    allow('extract', permissions.copy),
    allow('modify-other', permissions.modify),
    allow('annotate', permissions.annotate),
    allow('form', permissions.fillForms),
    allow('assemble', permissions.assemble),
    allow('accessibility', true),
    '--',
  ];
}

/** As viewers do with what is typed (SASLprep, in the main). */
const normalized = (password: string) => password.normalize('NFKC');
