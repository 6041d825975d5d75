import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Programs of Debian (packages qpdf and poppler-utils) that read PDFs with code that is not ours.

interface Ran {
  /** 0: nothing wrong; of qpdf 3: warnings */
  status: number | null;
  /** stdout and stderr */
  output: string;
}

/** Runs a program on a PDF. @param args the PDF is where `{}` is, and a directory for files where `{dir}` is */
export function runPdfTool(
  program: string,
  args: readonly string[],
  pdf: Uint8Array,
): Ran & { files: Map<string, Buffer> } {
  const directory = mkdtempSync(join(tmpdir(), 'pdfprompt-tool-'));
  try {
    const path = join(directory, 'in.pdf');
    writeFileSync(path, pdf);
    const given = args.map((arg) => arg.replaceAll('{}', path).replaceAll('{dir}', directory));
    const { status, stdout, stderr, error } = spawnSync(program, given, { encoding: 'latin1', maxBuffer: 100_000_000 });
    if (error) throw error;
    const made = readdirSync(directory).filter((name) => name !== 'in.pdf');
    const files = new Map(made.map((name) => [name, readFileSync(join(directory, name))]));
    return { status, output: Buffer.from(stdout + stderr, 'latin1').toString(), files };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What `qpdf --check` finds wrong; empty: nothing. */
export function qpdfProblems(pdf: Uint8Array, ...options: string[]): string {
  const { status, output } = runPdfTool('qpdf', ['--check', ...options, '{}'], pdf);
  return status === 0 ? '' : output;
}

/** The lines of pdfinfo by their names. */
export function pdfInfo(pdf: Uint8Array, ...options: string[]): Record<string, string> {
  const { output } = runPdfTool('pdfinfo', [...options, '{}'], pdf);
  const lines = output.split('\n').flatMap((line) => {
    const at = line.indexOf(':');
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
  });
  return Object.fromEntries(lines) as Record<string, string>;
}

/** The text of each page. */
export function textOfPages(pdf: Uint8Array, ...options: string[]): string[] {
  return runPdfTool('pdftotext', [...options, '{}', '-'], pdf)
    .output.split('\f')
    .slice(0, -1);
}

/** Pages as PNG, by pdftoppm. */
export function picturesOfPages(pdf: Uint8Array, { dpi = 36, options = [] as string[] } = {}): Buffer[] {
  const { files } = runPdfTool('pdftoppm', ['-png', '-r', String(dpi), ...options, '{}', '{dir}/page'], pdf);
  return [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes);
}
