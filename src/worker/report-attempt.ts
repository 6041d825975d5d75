import type { Outcome, PdfBytes } from '../domain/outcome.ts';
import type { Finish } from '../jobs/finish.ts';
import type { AttemptAbout } from '../telemetry/about.ts';
import type { Events } from '../telemetry/events.ts';

/** Reports how an attempt ended. @param done `finish`: what was written; `ms`: how long it took */
export function reportAttempt(
  events: Events,
  about: AttemptAbout,
  { outcome, finish, ms }: { outcome: Outcome; finish: Finish; ms: number },
): void {
  if (finish === 'stale') events.jobResultDiscarded(about);
  else if (finish === 'queued')
    events.jobRequeued(
      about,
      outcome.kind === 'interrupted' ? (outcome.reason ?? outcome.kind) : outcome.kind,
      outcome.kind === 'retry' ? outcome.cause : undefined,
    );
  else if (outcome.kind === 'done') {
    const [pages, bytes] = [sum(outcome.files, 'pages'), sum(outcome.files, 'size')];
    events.jobEnded({ ...about, status: finish, ms, pages, bytes });
  } else events.jobEnded({ ...about, status: finish, ms, ...('code' in outcome && { code: outcome.code }) });
}

const sum = (files: PdfBytes[], what: 'pages' | 'size') => files.reduce((total, file) => total + file[what], 0);
