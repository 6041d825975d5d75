import type { PdfBytes } from '../../src/domain/outcome.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { Finisher, type FinisherOptions } from '../../src/finishing/finisher.ts';
import { type RunDeps, runParts } from '../../src/jobs/run.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { undoLater } from './clean-up.ts';
import { silentEvents } from './silent-events.ts';

/** The product's steps, as a worker has them, until the test file is over. */
export async function startSteps(options: Partial<FinisherOptions> = {}): Promise<Finisher> {
  const finisher = new Finisher({
    caps: { maxBytes: 100 * MEGABYTE, maxPages: 5_000, memoryBytes: 1_000 * MEGABYTE },
    isolation: 'tenant',
    events: silentEvents(),
    waitMs: 60_000, // a slow machine changes no outcome
    ...options,
  });
  await finisher.start();
  undoLater(() => finisher.stop());
  return finisher;
}

/** A file of a result, in one piece. */
export type FinishedFile = Pick<PdfBytes, 'pages' | 'type' | 'name' | 'part'> & { bytes: Buffer };

/** What becomes of a request, or the fields that are refused, or the failure: as a worker does it. */
export async function finished(
  deps: RunDeps,
  body: object,
  files: Record<string, Uint8Array> = {},
): Promise<FinishedFile[] | { refused: string[] } | { code: string; message: string }> {
  const sent = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, { base64: Buffer.from(bytes).toString('base64') }])); // prettier-ignore
  const parsed = parsePdfRequest({ ...body, ...(Object.keys(files).length > 0 && { files: sent }) });
  if (!parsed.ok) return { refused: parsed.fields.map(({ field, message }) => `${field}: ${message}`) };
  const { request } = parsed;
  const given = (name: string) => ({ name, chunks: [files[name] ?? new Uint8Array()] });
  const input = {
    parts: request.parts,
    settings: request,
    result: request.result,
    pdfOf: async ({ source }: (typeof request.parts)[number]) =>
      given(source.kind === 'pdf' ? (source.value.file ?? '') : ''),
    filesOf: async () => Object.keys(request.resultFiles ?? {}).map(given),
  };
  const outcome = await runParts(deps, input, { tenant: 'ann' });
  if (outcome.kind === 'interrupted') throw new Error(JSON.stringify(outcome));
  if (outcome.kind !== 'done') return { code: outcome.code, message: outcome.message };
  return outcome.files.map(({ chunks, pages, type, name, part }) => ({
    bytes: Buffer.concat(chunks),
    pages,
    ...(type !== undefined && { type }),
    ...(name !== undefined && { name }),
    ...(part !== undefined && { part }),
  }));
}
