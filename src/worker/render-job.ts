import type { Failure, Outcome } from '../domain/outcome.ts';
import { type ClaimedJob, mergedBatch } from '../jobs/claim.ts';
import type { PartContents } from '../jobs/part-content.ts';
import { type ContentLimits, type RunDeps, runParts } from '../jobs/run.ts';
import type { StoredPart } from '../jobs/stored-request.ts';
import type { AttemptAbout } from '../telemetry/about.ts';
import type { Events } from '../telemetry/events.ts';
import type { Span } from '../telemetry/span.ts';

export interface RenderDeps extends RunDeps {
  contents: Pick<PartContents, 'of' | 'pdf' | 'files'>;
  /** reads a request that was submitted in SQL */
  readRequest: (job: ClaimedJob, signal: AbortSignal) => Promise<ClaimedJob | Failure>;
  /** makes one PDF of the items of a batch */
  mergeItems: (
    batch: { userId: string; batchId: string },
    context: { timeoutMs: number; signal: AbortSignal; span: Span },
  ) => Promise<Outcome>;
  events: Events;
}

export interface AttemptContext {
  about: AttemptAbout;
  span: Span;
  signal: AbortSignal;
  /** called once, when the job needs no page any more */
  onRendered: () => void;
}

/** Makes the files of a claimed job. A request that nobody has read is read first. */
export async function renderJob(
  deps: RenderDeps,
  claimed: ClaimedJob,
  { about, span, signal, onRendered }: AttemptContext,
): Promise<Outcome> {
  const { contents, events, readRequest, mergeItems } = deps;
  const batchId = mergedBatch(claimed);
  if (batchId !== undefined) {
    onRendered();
    const { userId, settings } = claimed;
    return mergeItems({ userId, batchId }, { timeoutMs: settings.timeoutMs, signal, span });
  }
  const isUnread = claimed.unread !== undefined;
  // Nobody else of us has seen it before.
  if (isUnread && claimed.run === 1) events.jobSubmitted({ ...about, priority: claimed.priority });
  const job = isUnread ? await readRequest(claimed, signal) : claimed;
  if ('kind' in job) {
    onRendered();
    return job;
  }
  const context = { tenant: job.userId, jobId: job.id, signal, span, onPrinted: onRendered };
  const { result: wanted } = job;
  const whose = { userId: job.userId, jobId: job.id };
  const contentOf = (part: StoredPart, limits: ContentLimits) => contents.of(part, { ...whose, ...limits });
  const pdfOf = (part: StoredPart, limits: ContentLimits) => contents.pdf(part, { ...whose, ...limits });
  const filesOf = async (limits: ContentLimits) => (wanted ? contents.files(wanted, { ...whose, ...limits }) : []);
  return runParts(deps, { ...job, result: wanted?.settings, contentOf, pdfOf, filesOf }, context);
}
