import type { Act, Look, Visit } from '../../domain/audit-act.ts';
import type { AppContext } from '../route.ts';

/** What the audit log says beside who, and when. */
interface About {
  jobId?: string | undefined;
  /** whose it was; without it the owner of the job */
  subjectUserId?: string | undefined;
  /** what else identifies it; never an email, a key, or a part of a document */
  detail?: Record<string, string | number> | undefined;
}

/** Writes what was done into the log and the audit log, after it was done. */
export type Acted = (
  c: AppContext,
  what: Act | Visit,
  about: About & { batchId?: string; webhookId?: string },
) => Promise<void>;

/**
 * Writes that somebody looks at a document, before anything of it is sent.
 * @throws if it cannot be written: then the document is not shown
 */
export type Looked = (c: AppContext, what: Look, about: About) => Promise<void>;
