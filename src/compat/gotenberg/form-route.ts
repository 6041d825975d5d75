import type { Conversion, SentForm } from '../conversion.ts';

/** What a route knows besides its form. */
export interface RequestAbout {
  /** from `Gotenberg-Output-Filename`, without folders; undefined: the caller gave none */
  outputName: string | undefined;
  /** a name for a result that has no other */
  uniqueName: string;
  /** milliseconds that the whole request may take */
  timeoutMs: number;
  /** HTML of a text in markdown, without what belongs to a whole document. @throws CodedError if it cannot be made */
  toHtml: (markdown: string) => Promise<string>;
}

/** A translated form. */
export interface FormConversion extends Conversion {
  /** the job makes JSON: what the caller gets instead of it */
  toAnswer?: (json: unknown) => unknown;
}

/** A route that takes a form and answers a file. */
export interface FormRoute {
  path: `/forms/${string}`;
  /** @throws CodedError that names every field that is wrong */
  convert: (form: SentForm, about: RequestAbout) => FormConversion | Promise<FormConversion>;
}
