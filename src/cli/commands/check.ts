import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { CONFORMANCES, type Conformance, finishingSchema, isArchive } from '../../domain/finishing.ts';
import { reasonText } from '../../domain/outcome.ts';
import type { CheckReport } from '../../finishing/check-steps.ts';
import type { Finisher } from '../../finishing/finisher.ts';
import { messageOf, UsageError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import { MEGABYTE } from '../../kernel/units.ts';
import { loggerFor, print, printJson } from '../output.ts';

const ALLOWED = CONFORMANCES.join(', ');
const LIMITS = { maxBytes: 500 * MEGABYTE, maxPages: 100_000, memoryBytes: 1_000 * MEGABYTE };
const TIMEOUT_MS = 60_000;

/** One file's report; `error`: it could not be checked. */
type Checked = { file: string } & ({ error: string } | ({ conforms: boolean } & CheckReport));

export function checkCommand(): Command {
  return new Command('check')
    .description('Whether PDFs are the PDF/A or PDF/UA that they say they are')
    .argument('<file...>', 'PDFs')
    .option(
      '--conformance <claims>',
      `check for these, with commas between: ${ALLOWED} (default: what the file claims)`,
    )
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      `
Examples:
  pdfprompt check invoice.pdf
  pdfprompt check --conformance PDF/A-3b,PDF/UA-1 *.pdf`,
    )
    .action(async (files: string[], { conformance, json }: { conformance?: string; json?: boolean }) => {
      const claims = conformance === undefined ? [] : readClaims(conformance);
      const finisher = await startFinisher();
      const checked: Checked[] = [];
      try {
        for (const file of files) {
          const report = await checkFile(finisher, file, claims);
          checked.push(report);
          if (!json) print(textOf(report));
        }
      } finally {
        await finisher.stop();
      }
      if (json) printJson({ files: checked });
      if (checked.some((each) => 'error' in each || !each.conforms)) process.exitCode = 1;
    });
}

function readClaims(text: string): Conformance[] {
  const claims = text.split(',').map((word) => {
    const claim = CONFORMANCES.find((each) => each.toLowerCase() === word.trim().toLowerCase());
    if (claim) return claim;
    const meant = nearest(word.trim(), CONFORMANCES);
    const hint = meant ? ` (did you mean ${meant}?)` : '';
    throw new UsageError(`--conformance: ${JSON.stringify(word)} is not allowed${hint}; allowed: ${ALLOWED}`);
  });
  const archives = new Set(claims.filter(isArchive));
  if (archives.size > 1) throw new UsageError(`--conformance: allowed: only one of ${[...archives].join(', ')}`);
  return [...new Set(claims)];
}

/** Files are anyone's, so they are read in a confined process, as uploads are. */
async function startFinisher(): Promise<Finisher> {
  const { Finisher } = await import('../../finishing/finisher.ts');
  const { STEPS } = await import('../../finishing/check-steps.ts');
  const { Events } = await import('../../telemetry/events.ts');
  const events = new Events(await loggerFor('check', 'error'));
  const finisher = new Finisher({ caps: LIMITS, isolation: 'job', events, steps: STEPS, processes: 1 });
  await finisher.start();
  return finisher;
}

async function checkFile(finisher: Finisher, file: string, conformance: Conformance[]): Promise<Checked> {
  const { Span } = await import('../../telemetry/span.ts');
  const { parsePdfRequest } = await import('../../domain/pdf-request.ts');
  const parsed = parsePdfRequest({ html: ' ' });
  if (!parsed.ok) throw new Error('the empty request is not valid');
  try {
    const bytes = await readFile(file);
    if (bytes.length > LIMITS.maxBytes) return { file, error: `it is larger than ${LIMITS.maxBytes} bytes` };
    const outcome = await finisher.finish([{ chunks: [bytes], size: bytes.length, pages: 1, sha256: '' }], {
      settings: parsed.request,
      result: { finishing: finishingSchema.parse(conformance.length > 0 ? { conformance } : {}) },
      parts: [{ isUploaded: true }],
      timeoutMs: TIMEOUT_MS,
      tenant: 'check',
      span: new Span(),
    });
    if (outcome.kind !== 'done') return { file, error: reasonText(outcome).replace('parts[0].pdf: ', '') };
    const report = JSON.parse(Buffer.concat(outcome.files[0]?.chunks ?? []).toString()) as CheckReport;
    return { file, conforms: report.claims.length > 0 && report.findings.length === 0, ...report };
  } catch (error) {
    return { file, error: messageOf(error) };
  }
}

function textOf(checked: Checked): string {
  const { file } = checked;
  if ('error' in checked) return `${file}: not checked: ${checked.error}`;
  const { claims, findings } = checked;
  if (claims.length === 0)
    return `${file}: it claims nothing that can be checked; ask with --conformance for: ${ALLOWED}`;
  return claims
    .flatMap((claim) => {
      const found = findings.filter((finding) => finding.claim === claim);
      if (found.length === 0) return [`${file}: conforms to ${claim}`];
      const rules = found.length === 1 ? '1 rule is' : `${found.length} rules are`;
      const lines = found.map(({ rule, page, message, count }) => {
        const where = page === undefined ? '' : `, page ${page}`;
        return `  ${rule}${where}: ${message}${count > 1 ? ` (${count} times)` : ''}`;
      });
      return [`${file}: is not ${claim}: ${rules} broken`, ...lines];
    })
    .join('\n');
}
