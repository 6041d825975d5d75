import type { Outcome, PdfBytes, PrintOutcome } from '../domain/outcome.ts';
import type { FailedResource, RenderTimings } from '../domain/job.ts';
import type { Part } from '../domain/pdf-request.ts';
import type { Renderer, RenderContext } from '../render/renderer.ts';

interface RunDeps {
  renderer: Pick<Renderer, 'render'>;
}

/** Prints the parts of a job, one after the other. Each PDF becomes a file of the job. Never rejects. */
export async function runParts(
  { renderer }: RunDeps,
  parts: readonly Part[],
  context: RenderContext,
): Promise<Outcome> {
  const files: PdfBytes[] = [];
  const failedResources: FailedResource[] = [];
  const timings: RenderTimings = { page: 0, load: 0, wait: 0, print: 0 };
  for (const part of parts) {
    const printed: PrintOutcome = await renderer.render(part, context);
    if (printed.kind !== 'done') return printed;
    const { timings: times, failedResources: failed, ...bytes } = printed.pdf;
    files.push(bytes);
    failedResources.push(...failed);
    for (const step of ['page', 'load', 'wait', 'print'] as const) timings[step] += times[step];
  }
  return { kind: 'done', files, timings, failedResources };
}
