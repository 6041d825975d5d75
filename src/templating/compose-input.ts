import type { FieldProblem } from '../kernel/errors.ts';

/** A template with its data, or markdown. Both become HTML. */
export type ComposeInput = TemplateInput | MarkdownInput;

export interface TemplateInput {
  kind: 'template';
  /** for messages: `invoice@7` */
  name: string;
  /** the same key means the same texts, of the same tenant: they are parsed once, and kept. Without one nothing is */
  key?: string | undefined;
  /** the template's text files by path: its entry, layouts and partials, `locales/*.json`, `schema.json` */
  texts: Readonly<Record<string, string>>;
  /** an object as JSON has it; none is `{}` */
  data: unknown;
  /** canonical, as `domain/locale.ts` has them */
  locale: string;
  timezone: string;
}

export interface MarkdownInput {
  kind: 'markdown';
  text: string;
  /** whether HTML in it is kept */
  allowHtml: boolean;
  /** instead of ours */
  styleSheet?: string | undefined;
  /** only what would be in the body of the document */
  isFragment?: boolean | undefined;
  locale: string;
}

/** Rows of data that are to fit a schema. */
export interface RowsInput {
  /** of the template, for messages: `invoice@7` */
  name: string;
  /** the text of its `schema.json` */
  schema: string;
  /** JSON of each */
  rows: readonly string[];
}

/** What is wrong with the rows that do not fit, by their index: `data.total`, `must be number`. */
export type RowProblems = [index: number, problems: FieldProblem[]][];
