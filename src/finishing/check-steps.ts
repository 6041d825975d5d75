import type { Conformance } from '../domain/finishing.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Draft } from './draft.ts';
import type { FinishingStep, StepList } from './step.ts';

/** What became of the check of a PDF, as JSON instead of the PDF. */
export interface CheckReport {
  /** those that were asked for, or else those of the file */
  claims: Conformance[];
  findings: { rule: string; clause: string; claim: Conformance; page?: number; message: string; count: number }[];
}

/** @throws CodedError if it is no PDF that can be read */
async function check(drafts: Draft[], asked: readonly Conformance[]): Promise<Draft[]> {
  const { checkPdf } = await import('./check/check-pdf.ts');
  const { QpdfFailed } = await import('./qpdf.ts');
  const checked: Draft[] = [];
  for (const draft of drafts) {
    const bytes = await draft.bytes();
    try {
      const claims = asked.length > 0 ? [...asked] : await claimsOf(bytes);
      const findings = claims.length > 0 ? await checkPdf(bytes, claims) : [];
      checked.push(draft.with(Buffer.from(JSON.stringify({ claims, findings } satisfies CheckReport)), { pages: 1 }));
    } catch (error) {
      if (!(error instanceof QpdfFailed)) throw error;
      throw new CodedError('pdf_refused', `it cannot be read: ${await reasonOf(bytes)}`);
    }
  }
  return checked;
}

async function reasonOf(bytes: Uint8Array): Promise<string> {
  const { PdfiumFailed, withPdfium } = await import('./pdfium.ts');
  const failure: unknown = await withPdfium(bytes, () => undefined).catch((error: unknown) => error);
  return failure instanceof PdfiumFailed && failure.reason === 'password'
    ? 'it is encrypted, and only opens with a password'
    : 'it is no PDF, or is damaged';
}

/** What the XMP of a file says that it is, of what can be checked. */
async function claimsOf(bytes: Uint8Array): Promise<Conformance[]> {
  const { checkable, identify } = await import('./check/check-metadata.ts');
  const { PdfFile } = await import('./check/pdf-file.ts');
  const { qpdf } = await import('./qpdf.ts');
  const plain = await qpdf(bytes, ['--decrypt', '--object-streams=disable', '--no-warn', '/in.pdf', '/out.pdf']);
  return checkable(identify(new PdfFile(plain)));
}

const checkStep: FinishingStep<readonly Conformance[]> = {
  name: 'check',
  settingsOf: ({ result }) => result.finishing?.conformance ?? [],
  load: async () => {
    // All that it reads is loaded while it may still read files.
    await Promise.all([
      import('./check/check-pdf.ts'),
      import('./check/check-metadata.ts'),
      import('./qpdf.ts'),
      import('./pdfium.ts'),
    ]);
    return { run: check };
  },
};

/** The one step of `pdfprompt check`. */
export const STEPS: StepList = { module: import.meta.url, steps: [checkStep] };
