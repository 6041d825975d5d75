import type { Bookmark, ResultSettings } from '../domain/finishing.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';
import type { Draft } from './draft.ts';
import type { Asked, PublicSigner } from './write/signer.ts';

/** What is known of a part's PDF. */
export interface PartAbout {
  /** for its bookmark */
  title?: string | undefined;
  /** of its file */
  filename?: string | undefined;
  /** instead of those that it has */
  bookmarks?: readonly Bookmark[] | undefined;
  /** instead of a title, if its document has none either */
  name?: string | undefined;
  /** whether it was not written by our own browser */
  isUploaded: boolean;
  /** whether an earlier call has made it of several */
  isMerged?: boolean;
  /** opens it */
  password?: string | undefined;
}

/** What a step may ask of the job. */
export interface FinishingJob {
  /** of the job, with its time limit */
  settings: PrintSettings;
  result: ResultSettings;
  /** of its PDFs, in order */
  parts: readonly PartAbout[];
  /** its layers that had to be printed, when they are */
  layers?: readonly PrintedLayer[] | undefined;
  /** if the operator has a certificate */
  signer?: PublicSigner | undefined;
}

/** A layer that our own browser has printed. */
export interface PrintedLayer {
  /** of the request: `finishing.overlay[0]` */
  field: string;
  /** path of its PDF among the job's files */
  file: string;
  /** for each page of the job's PDFs which page of the layer it gets, from 0; null: none */
  pageOf: readonly (number | null)[];
}

/** The size of a page as it is shown: cropped and turned; points. */
export interface Sheet {
  width: number;
  height: number;
}

/** What a step has besides PDFs and settings. */
export interface StepContext {
  /** the job's files that its finishing names, by their paths */
  files: ReadonlyMap<string, Uint8Array>;
  /** Reports the pages of each PDF to the worker. */
  reportSheets(sheets: Sheet[][]): void;
  /** Asks the worker for what is made with the operator's key, which stays there. */
  ask: (asked: Asked, data: Uint8Array) => Promise<Uint8Array>;
}

/** What a step does, in a process of its own. */
interface StepWork<Settings> {
  /**
   * @param drafts at least one; they are the step's to change
   * @returns those for the next step, at least one: the same number, or one of many, or many of one
   * @throws CodedError if the document or the request is at fault: the job fails with its code and message. Whatever
   *   else is thrown is the service's fault, and the job is tried again
   */
  run(drafts: Draft[], settings: Settings, context: StepContext): Promise<Draft[]>;
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
  settingsOf(job: FinishingJob): Settings | undefined;
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
