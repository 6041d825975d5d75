// How a request of another service is translated: from a form or JSON of theirs to a request of ours, and back.

/** A file that was sent. */
export interface SentFile {
  /** without folders, NFC */
  name: string;
  /** the name of the form's field */
  field: string;
  /** lower-case hex */
  sha256: string;
  /** bytes */
  size: number;
  /** Resolves with its content, for the few files whose text becomes part of a request. @throws CodedError if it is too large or no UTF-8 */
  text(): Promise<string>;
}

/** What was sent as multipart/form-data, in the order in which it came. */
export interface SentForm {
  /** the values of each field */
  fields: ReadonlyMap<string, readonly string[]>;
  files: readonly SentFile[];
}

/** A translated request. It becomes one job. */
export interface Conversion {
  /** as `POST /v1/jobs` takes it, without `files` */
  request: Record<string, unknown>;
  /** the sent files that the request names, by their paths in it */
  files?: Readonly<Record<string, SentFile>>;
  /** what the caller calls a field of `request`: `{ 'options.width': 'paperWidth' }`; for messages */
  fields?: Readonly<Record<string, string>>;
  /** how the result is named */
  naming: Naming;
  /** JSON that a request with the same `Idempotency-Key` must have again; default: all of `request` */
  sameAs?: unknown;
}

/** How the files of a job are named for the caller. */
export interface Naming {
  /** of the only file, or of the zip of several, without an ending */
  name: string;
  /** of each file in a zip, with its ending; default: `own` */
  inZip?: (file: FileInZip) => string;
}

/** A file that is named for the caller. */
export interface FileInZip {
  /** among the files of its job, from 0 */
  position: number;
  /** the name that the job gives it */
  own: string;
  /** which part of the job it is of, from 0; null: of all, or it is not known */
  part: number | null;
  /** among the files of its part, from 0 */
  positionInPart: number;
}

/** Fields that are refused at once, at most: an answer lists them all, and a request may have thousands. */
export const MAX_REFUSALS = 50;

/** A field of the caller that was refused. */
export interface Refusal {
  field: string;
  message: string;
}
