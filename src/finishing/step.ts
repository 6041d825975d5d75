import type { PrintSettings } from '../domain/pdf-request.ts';

/** A PDF between two steps. */
export interface Pdf {
  bytes: Uint8Array;
  pages: number;
}

/** What a step does, in a process of its own. */
interface StepWork<Settings> {
  /**
   * @param pdfs at least one; their bytes are the step's to change
   * @returns the PDFs for the next step, at least one: the same number, or one of many, or many of one
   * @throws CodedError if the document or the request is at fault: the job fails with its code and message. Whatever
   *   else is thrown is the service's fault, and the job is tried again
   */
  run(pdfs: Pdf[], settings: Settings): Promise<Pdf[]>;
}

/** Something that is done with a job's PDFs after they are printed. */
export interface FinishingStep<Settings = unknown> {
  /** one word, for messages, spans and metrics */
  readonly name: string;
  /**
   * What the step needs to know, as JSON: it gets nothing else of the request, so that no cookie or header reaches a
   * process that reads hostile PDFs. Called in the worker; must not throw.
   * @returns undefined if the request asks for nothing of it
   */
  settingsOf(request: PrintSettings): Settings | undefined;
  /**
   * Called in each process before it gives up the rights to read files that it may have, and before it sees a PDF.
   * Imports libraries here and not at the top of the step's file, which the worker itself reads too.
   */
  load(): Promise<StepWork<Settings>>;
}

/** Steps and where they are, so that a process can import them. */
export interface StepList {
  /** URL of the module that exports the list as `STEPS` */
  module: string;
  /** in the order in which they run */
  steps: readonly FinishingStep[];
}
